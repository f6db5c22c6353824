package isrpa.openapi;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The functions of the shared library rpa_openapi: JSON text in, JSON text out. Java 8 and later, JNA 5 and later. They may
 * be called from any number of threads at once.
 *
 * <p>What goes wrong in a call is in the reply, which is always JSON. Where the library is missing, does not fit the
 * process or is too old, an {@link RpaException} of kind {@code internal} is thrown, and for a text that holds NUL an
 * {@link IllegalArgumentException}. {@link RpaClient} is the more convenient way.
 *
 * <p>The library is looked for by JNA: in the folders of {@code jna.library.path}, in the system's, and in the jar. The
 * system property {@code isrpa.openapi.library} names a file in place of all that. Nothing is to be closed: replies are
 * copied and freed at once, and connections and tokens are the library's, which looks after them for as long as the
 * process lives.
 */
public final class RpaOpenApi {
    private RpaOpenApi() {}

    /** Gets an access token and a refresh token for an access key and a secret key. */
    public static String getToken(String request) {
        return ask("rpa_get_token", library()::rpa_get_token, request);
    }

    /** Trades a refresh token for new tokens. */
    public static String refreshToken(String request) {
        return ask("rpa_refresh_token", library()::rpa_refresh_token, request);
    }

    /** Signs one API call, sends it and returns the reply. */
    public static String call(String request) {
        return ask("rpa_call", library()::rpa_call, request);
    }

    /** Signs the same request as call and does not send it. The reply holds the token. */
    public static String sign(String request) {
        return ask("rpa_sign", library()::rpa_sign, request);
    }

    /** Looks at the same request from end to end: what is wrong first, and whose turn it is. */
    public static String diagnose(String request) {
        return ask("rpa_diagnose", library()::rpa_diagnose, request);
    }

    /** The version of the library, such as "1.2.3". */
    public static String version() {
        return text(library().rpa_version()); // static in the library, and never freed
    }

    /**
     * Makes a call on a thread of its own: {@code RpaOpenApi.async(() -> RpaOpenApi.call(request))}.
     *
     * <p>A call cannot be stopped. Where the future is cancelled, it ends at once; the call goes on by itself until it has
     * an answer, at most for its {@code timeout_ms}, and its reply is freed then. Whether the control center gets it is
     * not known, so look a post up before it is made again.
     */
    public static <T> CompletableFuture<T> async(Supplier<T> call) {
        return CompletableFuture.supplyAsync(call, THREADS);
    }

    /** The same on threads of the caller's, which calls may keep for minutes. */
    public static <T> CompletableFuture<T> async(Supplier<T> call, Executor executor) {
        return CompletableFuture.supplyAsync(call, executor);
    }

    // A program may end without them.
    private static final Executor THREADS = Executors.newCachedThreadPool(work -> {
        Thread thread = new Thread(work, "rpa_openapi");
        thread.setDaemon(true);
        return thread;
    });

    private static String ask(String name, Function<byte[], Pointer> function, String request) {
        byte[] bytes = bytes(request);
        Pointer reply;
        try {
            reply = function.apply(bytes);
        } catch (UnsatisfiedLinkError error) {
            throw RpaException.ofLoading("is too old or another one: it lacks " + name,
                    "动态库rpa_openapi版本太旧,或者不是这个库,请换成新版本", error);
        }
        try {
            return text(reply);
        } finally {
            library().rpa_free(reply);
        }
    }

    // UTF-8 by hand: JNA would write a text in the system's encoding.

    private static byte[] bytes(String json) {
        if (json == null) {
            return null; // which the library answers
        }
        if (json.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("the request holds NUL, at which the library would take it to end");
        }
        return (RpaJson.withoutHalfPairs(json) + '\0').getBytes(StandardCharsets.UTF_8);
    }

    private static String text(Pointer text) {
        return new String(text.getByteArray(0, (int) text.indexOf(0, (byte) 0)), StandardCharsets.UTF_8);
    }

    // --- Loading --------------------------------------------------------------------------------------------------

    private static volatile Exported library;

    private static Exported library() {
        Exported loaded = library;
        if (loaded == null) {
            synchronized (RpaOpenApi.class) {
                loaded = library == null ? load() : library;
                library = loaded;
            }
        }
        return loaded;
    }

    private static Exported load() {
        try {
            return Native.load(System.getProperty("isrpa.openapi.library", "rpa_openapi"), Exported.class);
        } catch (UnsatisfiedLinkError error) {
            int bits = Native.POINTER_SIZE * 8;
            throw RpaException.ofLoading("cannot be loaded. This process is " + bits + "-bit. " + error.getMessage(),
                    "找不到动态库rpa_openapi,或者它不能加载,请使用" + bits + "位的", error);
        }
    }

    /** The names of include/rpa_openapi.h. */
    private interface Exported extends Library {
        Pointer rpa_get_token(byte[] request);

        Pointer rpa_refresh_token(byte[] request);

        Pointer rpa_call(byte[] request);

        Pointer rpa_sign(byte[] request);

        Pointer rpa_diagnose(byte[] request);

        void rpa_free(Pointer reply);

        Pointer rpa_version();
    }
}
