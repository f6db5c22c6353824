package isrpa.openapi;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** A call that the library could not bring to an end. A refusal by the control center is none: that is a reply. */
public class RpaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What kind of failure it was; see the library's documentation for each. */
    public enum Kind {
        ARGUMENT, MODE, DNS, CONNECT, PROXY, TLS, TIMEOUT, DISCONNECTED, REDIRECT, RESPONSE, TOO_LARGE, INTERNAL,
        /** One that this class does not know: look at {@code fact("/kind")}. */
        OTHER
    }

    /** Whether the control center may have got the request. */
    public enum Delivered {
        /** It cannot have, and calling again is safe. */
        NO,
        /** It may have: look before the call is made again. */
        UNKNOWN,
        /** It answered. */
        YES
    }

    private final transient RpaReply reply;

    RpaException(RpaReply reply, Throwable cause) {
        super(reply.msg() + " (" + reply.text("/error/kind") + ": " + reply.text("/error/detail") + ")", cause);
        this.reply = reply;
    }

    static RpaException ofLoading(String what, String cause, Throwable error) {
        Map<String, Object> facts = RpaJson.object("kind", "internal", "detail", "The library rpa_openapi " + what,
                "field", null, "http_status", null, "attempts", 0, "delivered", "no", "elapsed_ms", 0);
        Map<String, Object> reply = RpaJson.object("code", 40, "msg", "fail,意外情况:" + cause, "result", null, "error", facts);
        return new RpaException(new RpaReply(RpaJson.write(reply), null), error);
    }

    /** The whole reply, with its warnings. */
    public RpaReply reply() {
        return reply;
    }

    /** All facts of the failure, by the library's names. */
    @SuppressWarnings("unchecked")
    public Map<String, Object> facts() {
        Object facts = reply.at("/error");
        return facts instanceof Map ? (Map<String, Object>) facts : new LinkedHashMap<>();
    }

    /** One fact by a JSON pointer: "/http_status", "/peer", "/ms/connect", "/target/host"; null if there is none. */
    public Object fact(String pointer) {
        return reply.at("/error" + pointer);
    }

    public Kind kind() {
        try {
            return Kind.valueOf(String.valueOf(fact("/kind")).toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException error) {
            return Kind.OTHER;
        }
    }

    public Delivered delivered() {
        Object delivered = fact("/delivered");
        return "no".equals(delivered) ? Delivered.NO : "yes".equals(delivered) ? Delivered.YES : Delivered.UNKNOWN;
    }

    /** In Chinese, a few words that tell the next step. */
    public String msg() {
        return reply.msg();
    }

    /** In English, for a log or a search. */
    public String detail() {
        return reply.text("/error/detail");
    }

    /** The field of the request that is wrong. */
    public String field() {
        return reply.text("/error/field");
    }

    /** The call's id, by which it is found in a log. */
    public String id() {
        return reply.text("/error/id");
    }

    /** In which phase it failed. */
    public String phase() {
        return reply.text("/error/phase");
    }

    /** In Chinese, the next step. */
    public String hint() {
        return reply.text("/error/hint");
    }

    /** Of {@link RpaClient#run}: "start" or "wait". */
    public String part() {
        return reply.text("/error/part");
    }

    /** Of {@link RpaClient#run} where the start has gone well: what goes on waiting. */
    public String resume() {
        String resume = reply.text("/error/resume");
        return resume == null ? reply.text("/result/resume") : resume;
    }
}
