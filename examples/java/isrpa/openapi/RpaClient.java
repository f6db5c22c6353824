package isrpa.openapi;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * One control center. Its methods return the reply of the control center, whatever its code, and throw an {@link
 * RpaException} where there is none.
 *
 * <pre>
 * RpaClient client = new RpaClient("https://10.0.0.5:8443", "access key", "secret key");
 * RpaReply reply = client.post("/oapi/v1/job/create", RpaJson.object("procCode", "P001", "note", "..."));
 * String jobNo = reply.text("/result/jobNo");
 * </pre>
 *
 * <p>The data of a call is a map, or a text that holds a JSON object. What has Async in its name runs on a thread of its
 * own; see {@link RpaOpenApi#async} for what cancelling means. After the settings it may be used by many threads at once.
 */
public final class RpaClient {
    /** The settings that are for calls alone. */
    private static final List<String> OF_CALLS = Arrays.asList("accesskey", "secretkey", "accesstoken", "token_store",
            "token_ttl_ms", "token_refused", "correct_clock", "values", "encoding", "retry_mode", "query", "empty_ok",
            "signature_refused");

    private final Map<String, Object> settings = new LinkedHashMap<>();
    private volatile Consumer<RpaWarning> onWarning;

    public RpaClient(String host) {
        set("host", host);
        set("meta", true);
    }

    /** With the keys the library gets, keeps and renews the token. */
    public RpaClient(String host, String accessKey, String secretKey) {
        this(host);
        set("accesskey", accessKey);
        set("secretkey", secretKey);
    }

    /** A field that every request begins with, by the library's name: proxy, tls, timeout_ms, token_store and so on. */
    public RpaClient set(String name, Object value) {
        settings.put(name, value);
        return this;
    }

    /** What did no harm to a call and should be looked at is told to this, on the thread of the call. */
    public RpaClient onWarning(Consumer<RpaWarning> told) {
        onWarning = told;
        return this;
    }

    public RpaReply get(String restType, Object data) {
        return call("get", restType, data, null);
    }

    public RpaReply post(String restType, Object data) {
        return call("post", restType, data, null);
    }

    public RpaReply put(String restType, Object data) {
        return call("put", restType, data, null);
    }

    public RpaReply delete(String restType, Object data) {
        return call("delete", restType, data, null);
    }

    public CompletableFuture<RpaReply> getAsync(String restType, Object data) {
        return callAsync("get", restType, data, null);
    }

    public CompletableFuture<RpaReply> postAsync(String restType, Object data) {
        return callAsync("post", restType, data, null);
    }

    public CompletableFuture<RpaReply> putAsync(String restType, Object data) {
        return callAsync("put", restType, data, null);
    }

    public CompletableFuture<RpaReply> deleteAsync(String restType, Object data) {
        return callAsync("delete", restType, data, null);
    }

    /** Any call. {@code more} holds further fields of this request: files, save_to, timeout_ms and so on; or null. */
    public RpaReply call(String mode, String restType, Object data, Map<String, ?> more) {
        return checked(RpaOpenApi.call(request(fields(mode, restType, data), more)));
    }

    public CompletableFuture<RpaReply> callAsync(String mode, String restType, Object data, Map<String, ?> more) {
        // Written here, so that the caller may change the data afterwards.
        String request = request(fields(mode, restType, data), more);
        return RpaOpenApi.async(() -> checked(RpaOpenApi.call(request)));
    }

    /**
     * Starts something by a post and waits until it has come to its end: {@code wait} says how that is seen, see the
     * library's field of that name. The reply is that of the end, with {@link RpaReply#started} beside it. If this fails,
     * {@link RpaException#part} says of which of the two, and {@link #resume} with {@link RpaException#resume} goes on
     * waiting, and starts nothing again.
     */
    public RpaReply run(String restType, Object data, Object wait) {
        String request = request(fields("post", restType, data), RpaJson.object("wait", parsed(wait)));
        return checked(RpaOpenApi.call(request)).ofEnd();
    }

    public CompletableFuture<RpaReply> runAsync(String restType, Object data, Object wait) {
        String request = request(fields("post", restType, data), RpaJson.object("wait", parsed(wait)));
        return RpaOpenApi.async(() -> checked(RpaOpenApi.call(request)).ofEnd());
    }

    /** Goes on waiting for what {@link #run} has started, in whatever process that was. */
    public RpaReply resume(String resume) {
        return checked(RpaOpenApi.call(request(RpaJson.object("resume", resume), null))).ofEnd();
    }

    /** Gathers all pages of a list into one reply: {@code pages} names the fields, see the library's field of that name. */
    public RpaReply pages(String restType, Object data, Object pages) {
        return call("get", restType, data, RpaJson.object("pages", parsed(pages)));
    }

    public CompletableFuture<RpaReply> pagesAsync(String restType, Object data, Object pages) {
        return callAsync("get", restType, data, RpaJson.object("pages", parsed(pages)));
    }

    /**
     * Looks at these settings from end to end, and changes nothing on the control center. The verdict is at
     * "/result/verdict/zh", "/result/verdict/en", "/result/verdict/ok" and so on. {@code more} holds the fields of a call
     * that is to be looked at as well; or null.
     */
    public RpaReply diagnose(Map<String, ?> more) {
        return checked(RpaOpenApi.diagnose(request(RpaJson.object(), more)));
    }

    /** Gets an access token and a refresh token, for who looks after tokens by hand. */
    public RpaReply getToken(String accessKey, String secretKey) {
        return checked(RpaOpenApi.getToken(tokenRequest(RpaJson.object("accesskey", accessKey, "secretkey", secretKey))));
    }

    /** Trades a refresh token for new tokens. */
    public RpaReply refreshToken(String refreshToken) {
        return checked(RpaOpenApi.refreshToken(tokenRequest(RpaJson.object("refreshtoken", refreshToken))));
    }

    private static Map<String, Object> fields(String mode, String restType, Object data) {
        return RpaJson.object("mode", mode, "rest_type", restType, "data_json", data);
    }

    // Of data alone the library takes a text in place of an object.
    private static Object parsed(Object value) {
        return value instanceof String ? RpaJson.parse((String) value) : value;
    }

    private String request(Map<String, Object> fields, Map<String, ?> more) {
        Map<String, Object> request = new LinkedHashMap<>(settings);
        request.putAll(fields);
        if (more != null) {
            request.putAll(more);
        }
        return RpaJson.write(request);
    }

    private String tokenRequest(Map<String, Object> fields) {
        Map<String, Object> request = new LinkedHashMap<>(settings);
        request.keySet().removeAll(OF_CALLS);
        request.putAll(fields);
        return RpaJson.write(request);
    }

    private RpaReply checked(String text) {
        RpaReply reply = RpaReply.unwrap(text);
        Consumer<RpaWarning> told = onWarning;
        if (told != null) {
            reply.warnings().forEach(told);
        }
        if (reply.isAnError()) {
            throw new RpaException(reply, null);
        }
        return reply;
    }
}
