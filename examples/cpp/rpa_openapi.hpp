/*
 * rpa_openapi.h for C++11 and later: JSON text in, JSON text out, and every reply freed.
 *
 *     std::string reply = rpa::call(R"({"host": "https://10.0.0.5:8443", ...})");
 *
 * This one file needs rpa_openapi.h beside it. What the header says of requests, replies, threads and time holds here.
 * Texts are UTF-8. A reply is always JSON: what goes wrong in a call is in the reply. The only exception thrown here is
 * std::bad_alloc, and the reply is freed then, too. A program that is linked to the library does not start where that is
 * missing, has another bitness or lacks a function; the system says so.
 */
#ifndef RPA_OPENAPI_HPP
#define RPA_OPENAPI_HPP

#include <memory>
#include <string>

#include "rpa_openapi.h"

namespace rpa {

/** A reply that frees itself. It can be moved, and not copied; one that was moved from holds nothing to read. */
class Reply {
public:
    /** Takes what one of the C functions returned. */
    explicit Reply(char *reply) noexcept : text_(reply) {}

    /** The JSON text, NUL-terminated, for as long as this reply lives. */
    const char *c_str() const noexcept { return text_.get(); }

    std::string str() const { return text_.get(); }

private:
    struct Free {
        void operator()(char *reply) const noexcept { rpa_free(reply); }
    };
    std::unique_ptr<char, Free> text_;
};

/** Gets an access token and a refresh token for an access key and a secret key. */
inline std::string get_token(const std::string &request) { return Reply(rpa_get_token(request.c_str())).str(); }

/** Trades a refresh token for new tokens. */
inline std::string refresh_token(const std::string &request) { return Reply(rpa_refresh_token(request.c_str())).str(); }

/** Signs one API call, sends it and returns the reply. */
inline std::string call(const std::string &request) { return Reply(rpa_call(request.c_str())).str(); }

/** Signs the same request as call() and does not send it. The reply holds the token. */
inline std::string sign(const std::string &request) { return Reply(rpa_sign(request.c_str())).str(); }

/** The version of the library, such as "1.2.3". */
inline std::string version() { return rpa_version(); }

} // namespace rpa

#endif // RPA_OPENAPI_HPP
