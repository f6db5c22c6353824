package isrpa.openapi;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A reply of the control center, and what was seen on the way. */
public final class RpaReply {
    private static final Object UNREAD = new Object();

    private final String json;
    private final Object meta;
    private final RpaReply started;
    private final String resume;
    private volatile Object value = UNREAD;

    RpaReply(String json, Object meta) {
        this(json, meta, null, null);
    }

    private RpaReply(String json, Object meta, RpaReply started, String resume) {
        this.json = json;
        this.meta = meta;
        this.started = started;
        this.resume = resume;
    }

    static RpaReply unwrap(String text) {
        String reply = RpaJson.member(text, "reply");
        String meta = RpaJson.member(text, "meta");
        return reply == null || meta == null ? new RpaReply(text, null) : new RpaReply(reply, RpaJson.parse(meta));
    }

    /** Of a wait: its end, with its start beside it. */
    RpaReply ofEnd() {
        String result = RpaJson.member(json, "result");
        String end = result == null ? null : RpaJson.member(result, "reply");
        if (end == null) {
            return this;
        }
        String start = RpaJson.member(result, "started");
        return new RpaReply(end, meta, start == null ? null : new RpaReply(start, null), text("/result/resume"));
    }

    /** Whether this is an error of the library, and not the control center's own. */
    boolean isAnError() {
        String error = RpaJson.member(json, "error");
        if (error == null || !error.startsWith("{")) {
            return false;
        }
        String kind = RpaJson.member(error, "kind");
        String delivered = RpaJson.member(error, "delivered");
        return kind != null && kind.startsWith("\"") && delivered != null && delivered.startsWith("\"");
    }

    /** The JSON text, as the control center sent it. */
    public String json() {
        return json;
    }

    /** The reply as maps, lists, texts, numbers (Long, BigInteger, BigDecimal), booleans and nulls. */
    public Object value() {
        if (value == UNREAD) {
            value = RpaJson.parse(json);
        }
        return value;
    }

    /** The value at a JSON pointer such as "/result/list/0/name"; null if there is none. */
    public Object at(String pointer) {
        return RpaJson.at(value(), pointer);
    }

    /** The text at a JSON pointer; of a number its digits. Null if there is none. */
    public String text(String pointer) {
        Object found = at(pointer);
        return found == null || found instanceof String ? (String) found : RpaJson.write(found);
    }

    /** Whether the reply says success, which is "code": 0. */
    public boolean isSuccess() {
        return Long.valueOf(0).equals(at("/code"));
    }

    public String msg() {
        return text("/msg");
    }

    /** Of {@link RpaClient#run}: the reply to the start. Null otherwise. */
    public RpaReply started() {
        return started;
    }

    /**
     * Of {@link RpaClient#run}: what goes on waiting, in this process or another one. With a timeout_ms of 0 in
     * {@code wait}, which only starts, the reply itself is null.
     */
    public String resume() {
        return resume;
    }

    /** A fact of how the call went, by a JSON pointer: "/http_status", "/peer", "/ms/connect". */
    public Object fact(String pointer) {
        return RpaJson.at(meta, pointer);
    }

    public List<RpaWarning> warnings() {
        List<RpaWarning> warnings = new ArrayList<>();
        Object told = fact("/warnings");
        if (told instanceof List) {
            ((List<?>) told).forEach(warning -> warnings.add(new RpaWarning(warning)));
        }
        return Collections.unmodifiableList(warnings);
    }

    @Override
    public String toString() {
        return json;
    }
}
