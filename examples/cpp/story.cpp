/*
 * The short story of a robot's job, in C++11: get a token, start a job with a Chinese parameter, read it back, refresh
 * the token, and one call that is refused on purpose.
 *
 *     story https://127.0.0.1:8443 FINGERPRINT [PROXY]
 *
 * FINGERPRINT is the SHA-256 fingerprint of the control center's certificate, or - for plain http. PROXY is a proxy's
 * address, or - for none; if it is left out, the system's is used. The exit status is 0 only if every step was as it
 * should be; what was not is said on stderr.
 *
 * It needs rpa_openapi.hpp, rpa_openapi.h and the library beside it, and nothing else:
 *
 *     c++ -std=c++11 -o story story.cpp -L. -lrpa_openapi -Wl,-rpath,'$ORIGIN'
 *
 * The names jobNo and params, and the path job/get, are those of the emulator, `control_center --tls`.
 */
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#ifdef _WIN32
#define NOMINMAX
#include <windows.h>
#endif

#include "rpa_openapi.hpp"

namespace {

const char ACCESS_KEY[] = "demo-access-key";
const char SECRET_KEY[] = "demo-secret-key";
const char NOTE[] = "月结 & 100% 完成"; // this file is UTF-8, as every text that the library takes

namespace json = rpa::json;

/** A reply that says success, which is "code": 0. What the control center refuses is a reply as well. */
std::string checked(const std::string &reply) {
    if (rpa::Error::is_in(reply)) {
        throw rpa::Error(reply);
    }
    if (json::value(reply, "/code") != "0") {
        throw std::runtime_error(json::text(reply, "/msg"));
    }
    return reply;
}

void expect(bool right, const std::string &what) {
    if (!right) {
        throw std::runtime_error("not as it should be: " + what);
    }
}

/** A request: the fields that say where the control center is, and those of one call. */
std::string request(json::Fields fields, const json::Fields &more) {
    fields.insert(fields.end(), more.begin(), more.end());
    return json::object(fields);
}

void tell(const json::Fields &server) {
    std::cout << "version " << rpa::version() << std::endl;

    const json::Fields keys = {{"accesskey", json::quoted(ACCESS_KEY)}, {"secretkey", json::quoted(SECRET_KEY)}};
    std::string reply = checked(rpa::get_token(request(server, keys)));
    const std::string token = json::text(reply, "/result/accessToken");
    const std::string refresh = json::text(reply, "/result/refreshToken");
    std::cout << "token: ok" << std::endl;

    // With the keys as its second and third argument, the client would look after the token by itself.
    rpa::Client client(json::text(server[0].second, ""));
    for (const auto &setting : server) {
        client.set(setting.first, setting.second);
    }
    client.set("accesstoken", json::quoted(token));

    const json::Fields data = {{"procCode", json::quoted("P001")},
                               {"robotNo", json::quoted("Administrator@0A1B2C3D4E5F")},
                               {"note", json::quoted(NOTE)}};
    reply = checked(client.post("/oapi/v1/job/create", json::object(data)));
    const std::string job = json::value(reply, "/result/jobNo");
    std::cout << "job started: ok" << std::endl;

    reply = checked(client.get("/oapi/v1/job/get", json::object({{"jobNo", job}})));
    const std::string note = json::text(reply, "/result/params/note");
    expect(note == NOTE, "the note is " + note);
    std::cout << "job read back: " << note << std::endl;

    reply = checked(rpa::refresh_token(request(server, {{"refreshtoken", json::quoted(refresh)}})));
    expect(json::text(reply, "/result/accessToken") != token, "the refreshed token is the old one");
    std::cout << "token refreshed: ok" << std::endl;

    // A field is misspelt, so nothing is sent, and the error names the field.
    try {
        reply = client.call("get", "/oapi/v1/job/list", "{}", {{"acesstoken", json::quoted(token)}});
        expect(false, "the refusal is " + reply);
    } catch (const rpa::Error &error) {
        expect(error.kind() == "argument" && error.delivered() == "no", error.what());
        std::cout << "refused on purpose: " << error.kind() << ' ' << error.field() << std::endl;
    }
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) {
        std::cerr << "usage: story <base URL> <fingerprint, or - for plain http> [proxy, or - for none]\n";
        return 2;
    }
#ifdef _WIN32
    SetConsoleOutputCP(CP_UTF8); // what is printed here is UTF-8
#endif
    try {
        const std::string pin = argv[2];
        json::Fields server = {{"host", json::quoted(argv[1])}};
        if (pin != "-") {
            server.emplace_back("tls", json::object({{"pin_sha256", json::quoted(pin)}}));
        }
        if (argc > 3) {
            const std::string proxy = argv[3];
            server.emplace_back("proxy", proxy == "-" ? "null" : json::quoted(proxy));
        }
        tell(server);
        return 0;
    } catch (const rpa::Error &error) {
        std::cerr << "story: " << error.msg() << '\n';
        std::cerr << "story: " << error.what() << ", delivered: " << error.delivered() << '\n';
    } catch (const std::exception &error) {
        std::cerr << "story: " << error.what() << '\n';
    }
    return 1;
}
