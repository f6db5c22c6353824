#include <cstdlib>
#include <new>
#include <type_traits>
#include "rpa_openapi.h"

static int freed = 0;
static void counted(char *reply) {
    freed++;
    rpa_free(reply);
}
#define rpa_free counted
#include "rpa_openapi.hpp"
#undef rpa_free

static bool memory_is_short = false;
void *operator new(std::size_t size) {
    void *memory = memory_is_short ? nullptr : std::malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

static_assert(!std::is_copy_constructible<rpa::Reply>::value, "a reply cannot be copied");
static_assert(!std::is_copy_assignable<rpa::Reply>::value, "a reply cannot be copied");
static_assert(std::is_nothrow_move_constructible<rpa::Reply>::value, "a reply can be moved");
static_assert(std::is_nothrow_move_assignable<rpa::Reply>::value, "a reply can be moved");

int main() {
    const std::string request = "{}";
    if (rpa::call(request).empty() || freed != 1) {
        return 1;
    }
    memory_is_short = true;
    try {
        rpa::call(request);
        return 2;
    } catch (const std::bad_alloc &) {
        memory_is_short = false;
    }
    if (freed != 2) {
        return 3;
    }
    {
        rpa::Reply first(rpa_get_token(nullptr)), second(rpa_refresh_token(nullptr));
        rpa::Reply moved(std::move(first));
        moved = std::move(second);
        if (freed != 3 || moved.str() != moved.c_str()) {
            return 4;
        }
    }
    return freed == 4 ? 0 : 5;
}
