package isrpa.openapi;

/** What did no harm to a call and should be looked at, such as a wrong clock. */
public final class RpaWarning {
    private final Object told;

    RpaWarning(Object told) {
        this.told = told;
    }

    /** clock, store, eviction, verify, certificate, repeated, log. */
    public String kind() {
        return (String) RpaJson.at(told, "/kind");
    }

    public String chinese() {
        return (String) RpaJson.at(told, "/zh");
    }

    public String english() {
        return (String) RpaJson.at(told, "/en");
    }

    @Override
    public String toString() {
        return kind() + ": " + chinese() + " (" + english() + ")";
    }
}
