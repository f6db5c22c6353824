package isrpa.openapi;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The little of JSON that is needed here, so that no library of JSON is. */
public final class RpaJson {
    private static final int DEEPEST = 500;

    private final String json;
    private int at;

    private RpaJson(String json) {
        this.json = json;
    }

    /** A map of names and values, in turn: {@code object("jobNo", 7, "note", "...")}. */
    public static Map<String, Object> object(Object... namesAndValues) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            object.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return object;
    }

    /** A value as maps, lists, texts, numbers (Long, BigInteger, BigDecimal), booleans and nulls. */
    public static Object parse(String json) {
        RpaJson reader = new RpaJson(json);
        reader.skipSpace();
        Object value = reader.value(0);
        reader.skipSpace();
        if (reader.at < json.length()) {
            throw reader.unexpected();
        }
        return value;
    }

    /** The value at a JSON pointer such as "/result/list/0/name"; null if there is none. */
    public static Object at(Object value, String pointer) {
        String[] names = pointer.split("/", -1);
        for (int i = 1; i < names.length && value != null; i++) {
            String name = names[i].replace("~1", "/").replace("~0", "~");
            if (value instanceof Map) {
                value = ((Map<?, ?>) value).get(name);
            } else if (value instanceof List && name.matches("\\d{1,9}")) {
                List<?> items = (List<?>) value;
                int index = Integer.parseInt(name);
                value = index < items.size() ? items.get(index) : null;
            } else {
                value = null;
            }
        }
        return value;
    }

    /** A JSON text of maps, iterables, arrays of objects, texts, numbers, booleans and nulls. */
    public static String write(Object value) {
        StringBuilder json = new StringBuilder();
        write(json, value, 0);
        return json.toString();
    }

    private static void write(StringBuilder json, Object value, int depth) {
        if (depth > DEEPEST) {
            throw new IllegalArgumentException("the value is nested too deeply for JSON, or holds itself");
        }
        if (value == null || value instanceof Boolean) {
            json.append(value);
        } else if (value instanceof CharSequence || value instanceof Character || value instanceof Enum) {
            writeText(json, value.toString());
        } else if (value instanceof Number) {
            double number = ((Number) value).doubleValue();
            boolean isDouble = value instanceof Double || value instanceof Float;
            if (isDouble && (Double.isNaN(number) || Double.isInfinite(number))) {
                throw new IllegalArgumentException("JSON has no " + value);
            }
            json.append(value);
        } else if (value instanceof Map) {
            String separator = "{";
            for (Map.Entry<?, ?> member : ((Map<?, ?>) value).entrySet()) {
                json.append(separator);
                writeText(json, String.valueOf(member.getKey()));
                json.append(':');
                write(json, member.getValue(), depth + 1);
                separator = ",";
            }
            json.append(separator.equals("{") ? "{}" : "}");
        } else if (value instanceof Iterable || value instanceof Object[]) {
            Iterable<?> items = value instanceof Iterable ? (Iterable<?>) value : java.util.Arrays.asList((Object[]) value);
            String separator = "[";
            for (Object item : items) {
                json.append(separator);
                write(json, item, depth + 1);
                separator = ",";
            }
            json.append(separator.equals("[") ? "[]" : "]");
        } else {
            throw new IllegalArgumentException("a " + value.getClass().getName() + " is no JSON; give a text or a number");
        }
    }

    private static void writeText(StringBuilder json, String text) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        json.append('"');
    }

    /**
     * Half a surrogate pair has no UTF-8, but JSON can write it, as an escape. So the library sees it, and does not see
     * another character in its place.
     */
    static String withoutHalfPairs(String json) {
        StringBuilder written = new StringBuilder(json.length());
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < json.length() && Character.isLowSurrogate(json.charAt(i + 1))) {
                written.append(c).append(json.charAt(++i));
            } else if (Character.isSurrogate(c)) {
                written.append(String.format("\\u%04x", (int) c));
            } else {
                written.append(c);
            }
        }
        return written.toString();
    }

    /**
     * The value of an object's member as it stands; null if this is no object, or has no such member. It walks, and does
     * not step down, so that no depth is too deep.
     */
    static String member(String json, String name) {
        RpaJson reader = new RpaJson(json);
        reader.skipSpace();
        if (reader.here() != '{') {
            return null;
        }
        do {
            reader.at++;
            reader.skipSpace();
            if (reader.here() != '"') {
                return null; // an empty object
            }
            String key = reader.text();
            reader.colon();
            int begin = reader.at;
            reader.skipValue();
            if (key.equals(name)) {
                return json.substring(begin, reader.at);
            }
            reader.skipSpace();
        } while (reader.here() == ',');
        return null;
    }

    private char here() {
        return at < json.length() ? json.charAt(at) : '\0';
    }

    private void skipSpace() {
        while (at < json.length() && " \t\r\n".indexOf(json.charAt(at)) >= 0) {
            at++;
        }
    }

    private void colon() {
        skipSpace();
        expect(':');
        skipSpace();
    }

    private void expect(char wanted) {
        if (here() != wanted) {
            throw unexpected();
        }
        at++;
    }

    private IllegalArgumentException unexpected() {
        return new IllegalArgumentException("this is no JSON at character " + at + " of " + json.length());
    }

    private void skipValue() {
        int depth = 0;
        do {
            char c = here();
            if (c == '"') {
                text();
            } else if (c == '{' || c == '[') {
                depth++;
                at++;
            } else if (c == '}' || c == ']') {
                depth--;
                at++;
            } else {
                // A number, true, false, null; within an object or array also what stands between the values.
                String ends = depth > 0 ? "\"{}[]" : ",]} \t\r\n";
                while (at < json.length() && ends.indexOf(json.charAt(at)) < 0) {
                    at++;
                }
                if (depth > 0 && at == json.length()) {
                    throw unexpected();
                }
            }
        } while (depth > 0);
    }

    private Object value(int depth) {
        if (depth > DEEPEST) {
            throw new IllegalArgumentException("the JSON is nested too deeply");
        }
        char first = here();
        if (first == '"') {
            return text();
        }
        if (first == '{') {
            Map<String, Object> members = new LinkedHashMap<>();
            while (more('}', members.isEmpty())) {
                String name = text();
                colon();
                members.put(name, value(depth + 1)); // the last of a name counts
            }
            return members;
        }
        if (first == '[') {
            List<Object> items = new ArrayList<>();
            while (more(']', items.isEmpty())) {
                items.add(value(depth + 1));
            }
            return items;
        }
        int begin = at;
        while (at < json.length() && ",]} \t\r\n".indexOf(json.charAt(at)) < 0) {
            at++;
        }
        return word(json.substring(begin, at), begin);
    }

    /** Goes to the next member or item, or past the end. */
    private boolean more(char close, boolean isFirst) {
        if (isFirst) {
            at++;
        }
        skipSpace();
        if (here() == close) {
            at++;
            return false;
        }
        if (!isFirst) {
            expect(',');
            skipSpace();
        }
        return true;
    }

    private Object word(String word, int begin) {
        switch (word) {
            case "true":
                return true;
            case "false":
                return false;
            case "null":
                return null;
            default:
        }
        if (!word.matches("-?\\d+(\\.\\d+)?([eE][-+]?\\d{1,9})?")) {
            at = begin;
            throw unexpected();
        }
        if (!word.matches("-?\\d+")) {
            return new BigDecimal(word);
        }
        BigInteger whole = new BigInteger(word);
        return whole.bitLength() < 64 ? (Object) whole.longValue() : whole;
    }

    private String text() {
        expect('"');
        StringBuilder text = new StringBuilder();
        while (at < json.length()) {
            char c = json.charAt(at++);
            if (c == '"') {
                return text.toString();
            }
            if (c != '\\') {
                text.append(c);
                continue;
            }
            c = here();
            int escape = "\"\\/bfnrt".indexOf(c);
            if (escape >= 0) {
                text.append("\"\\/\b\f\n\r\t".charAt(escape));
                at++;
            } else if (c == 'u' && at + 5 <= json.length() && json.substring(at + 1, at + 5).matches("[0-9a-fA-F]{4}")) {
                // The two halves of a surrogate pair come one after the other, as Java has them, too.
                text.append((char) Integer.parseInt(json.substring(at + 1, at + 5), 16));
                at += 5;
            } else {
                throw unexpected();
            }
        }
        throw unexpected();
    }
}
