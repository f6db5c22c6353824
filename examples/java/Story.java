// The short story of a robot's job, in Java: get a token, start a job with a Chinese parameter, read it back, refresh the
// token, and one call that is refused on purpose.
//
//     java -cp isrpa-openapi.jar:jna.jar:. Story https://127.0.0.1:8443 FINGERPRINT [PROXY]
//
// FINGERPRINT is the SHA-256 fingerprint of the control center's certificate, or - for plain http. PROXY is a proxy's
// address, or - for none; if it is left out, the system's is used. The exit status is 0 only if every step was as it
// should be; what was not is said on stderr.
//
// It needs the jar or the files of isrpa/openapi, JNA, and the library:
//
//     javac -encoding UTF-8 -cp jna.jar Story.java isrpa/openapi/*.java
//     java -cp jna.jar:. -Djna.library.path=. Story http://127.0.0.1:8080 - -
//
// The names jobNo and params, and the path job/get, are those of the emulator, `control_center --tls`.

import isrpa.openapi.RpaClient;
import isrpa.openapi.RpaException;
import isrpa.openapi.RpaJson;
import isrpa.openapi.RpaOpenApi;
import isrpa.openapi.RpaReply;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.UnsupportedEncodingException;
import java.util.Map;

public final class Story {
    private static final String ACCESS_KEY = "demo-access-key";
    private static final String SECRET_KEY = "demo-secret-key";
    private static final String NOTE = "月结 & 100% 完成";

    public static void main(String[] arguments) throws UnsupportedEncodingException {
        // Chinese is written right whatever the system's language is.
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8"));
        System.setErr(new PrintStream(new FileOutputStream(FileDescriptor.err), true, "UTF-8"));
        if (arguments.length < 2 || arguments.length > 3) {
            System.err.println("usage: Story <base URL> <fingerprint, - for plain http> [proxy, - for none]");
            System.exit(2);
        }
        // With the keys as its second and third argument, the client would look after the token by itself.
        RpaClient client = new RpaClient(arguments[0]);
        if (!arguments[1].equals("-")) {
            client.set("tls", RpaJson.object("pin_sha256", arguments[1]));
        }
        if (arguments.length > 2) {
            client.set("proxy", arguments[2].equals("-") ? null : arguments[2]);
        }
        client.onWarning(warning -> System.err.println("story: warning: " + warning));
        try {
            tell(client);
        } catch (RpaException error) {
            System.err.println("story: " + error.msg());
            System.err.println("story: " + error.fact("/kind") + ": " + error.detail() + ", delivered: " + error.delivered());
            System.exit(1);
        } catch (IllegalStateException surprise) {
            System.err.println("story: " + surprise.getMessage());
            System.exit(1);
        }
    }

    private static void tell(RpaClient client) {
        System.out.println("version " + RpaOpenApi.version());

        RpaReply reply = checked(client.getToken(ACCESS_KEY, SECRET_KEY));
        String token = reply.text("/result/accessToken");
        String refresh = reply.text("/result/refreshToken");
        client.set("accesstoken", token);
        System.out.println("token: ok");

        Map<String, Object> job =
                RpaJson.object("procCode", "P001", "robotNo", "Administrator@0A1B2C3D4E5F", "note", NOTE);
        reply = checked(client.post("/oapi/v1/job/create", job));
        System.out.println("job started: ok");

        // The same on another thread.
        Map<String, Object> which = RpaJson.object("jobNo", reply.text("/result/jobNo"));
        reply = checked(client.getAsync("/oapi/v1/job/get", which).join());
        String note = reply.text("/result/params/note");
        expect(note.equals(NOTE), "the note is " + note);
        System.out.println("job read back: " + note);

        reply = checked(client.refreshToken(refresh));
        expect(!reply.text("/result/accessToken").equals(token), "the refreshed token is the old one");
        System.out.println("token refreshed: ok");

        // A field is misspelt, so nothing is sent, and the error names the field.
        try {
            reply = client.call("get", "/oapi/v1/job/list", null, RpaJson.object("acesstoken", token));
            throw new IllegalStateException("not as it should be: the refusal is " + reply);
        } catch (RpaException error) {
            expect(error.kind() == RpaException.Kind.ARGUMENT && error.delivered() == RpaException.Delivered.NO,
                    "the refusal is " + error);
            System.out.println("refused on purpose: " + error.fact("/kind") + " " + error.field());
        }
    }

    /** A reply that says success, which is "code": 0. What the control center refuses is a reply as well. */
    private static RpaReply checked(RpaReply reply) {
        if (!reply.isSuccess()) {
            throw new IllegalStateException(reply.msg());
        }
        return reply;
    }

    private static void expect(boolean right, String what) {
        if (!right) {
            throw new IllegalStateException("not as it should be: " + what);
        }
    }
}
