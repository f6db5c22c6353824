// What the client has beside plain calls: <base> <fingerprint> <address of a server that never answers>

import isrpa.openapi.RpaClient;
import isrpa.openapi.RpaException;
import isrpa.openapi.RpaJson;
import isrpa.openapi.RpaOpenApi;
import isrpa.openapi.RpaReply;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;

public final class Clients {
    private static final PrintStream OUT = System.out;

    private static RpaClient client(String host, String pin) {
        RpaClient client = new RpaClient(host, "demo-access-key", "demo-secret-key").set("proxy", null);
        return pin == null ? client : client.set("tls", RpaJson.object("pin_sha256", pin));
    }

    public static void main(String[] arguments) throws Exception {
        String host = arguments[0];
        // Longer than this program is waited for, were it not given up.
        CompletableFuture<RpaReply> waiting =
                client(arguments[2], null).set("timeout_ms", 120000).postAsync("/oapi/v1/job/create", null);
        try {
            waiting.get(200, TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            waiting.cancel(true);
        }
        try {
            waiting.join();
            OUT.println("cancelled: never");
        } catch (CancellationException given) {
            OUT.println("cancelled: ok");
        }

        try {
            client(host, "00000000000000000000000000000000" + "00000000000000000000000000000000").getAsync("/oapi/v1/job/list", null).join();
            OUT.println("error: none");
        } catch (CompletionException wrapped) {
            RpaException error = (RpaException) wrapped.getCause();
            boolean whole = error.kind() == RpaException.Kind.TLS && error.delivered() == RpaException.Delivered.NO
                    && error.field() == null && error.detail().contains("pin") && error.msg().length() > 5
                    && (Long) error.fact("/attempts") >= 1 && error.id().length() > 5 && error.hint().length() > 5 && "https".equals(error.fact("/target/scheme")) && error.getMessage().startsWith(error.msg());
            OUT.println("error: " + error.fact("/kind") + " " + error.fact("/delivered") + (whole ? " ok" : " " + error.reply()));
        }

        RpaClient client = client(host, arguments[1]);
        RpaReply reply = client.post("/oapi/v1/job/create", "{\"procCode\":\"P001\",\"robotNo\":\"Administrator@0A1B2C3D4E5F\","
                + "\"note\":\"\\u6708\\u7ed3 & 100% \\u5b8c\\u6210\"}");
        reply = client.get("/oapi/v1/job/get", RpaJson.object("jobNo", reply.at("/result/jobNo")));
        new PrintStream(OUT, true, "UTF-8").println("reply: " + reply.text("/result/params/note"));
        longWork(client);
        RpaReply trusted = client(host, null).set("tls", RpaJson.object("verify", false))
                .onWarning(told -> check(told.kind().equals("verify") && told.chinese().length() > 3, "it is told"))
                .get("/oapi/v1/job/list", null);
        check(trusted.isSuccess() && trusted.fact("/http_status").equals(200L), "facts are beside it");
        OUT.println("warning: " + trusted.warnings().get(0).kind());
        RpaReply well = client.diagnose(null);
        RpaReply wrong = client(host, String.join("", java.util.Collections.nCopies(64, "0"))).diagnose(null);
        String verdict = "/result/verdict/";
        check(well.text(verdict + "zh").length() > 5 && well.at(verdict + "check") == null, "a healthy one says so");
        OUT.println("diagnosis: " + (well.at(verdict + "ok").equals(true) ? "well" : well) + ", " + wrong.text(verdict + "check") + " "
                + wrong.text(verdict + "setting") + " " + wrong.text(verdict + "turn"));
        json();
        edges();
        System.exit(0);
    }

    private static void longWork(RpaClient client) {
        Map<String, Object> job = RpaJson.object("procCode", "P001", "robotNo", "Administrator@0A1B2C3D4E5F");
        String wait = "{\"rest_type\":\"/oapi/v1/job/get\",\"data_json\":{\"jobNo\":{\"pointer\":\"/result/jobNo\"}},\"until\":[{\"pointer\":\"/result/status\",\"in\":[\"finished\"]}],\"every_ms\":100";
        RpaReply end = client.run("/oapi/v1/job/create", job, wait + "}");
        check(end.started().text("/result/jobNo").equals(end.text("/result/jobNo")), "the end is of what was started");
        OUT.println("run: " + end.text("/result/status"));
        RpaReply begun = client.runAsync("/oapi/v1/job/create", job, wait + ",\"timeout_ms\":0}").join();
        end = client.resume(begun.resume());
        check(end.started().text("/result/jobNo").equals(begun.started().text("/result/jobNo")), "the same is gone on with");
        OUT.println("resume: " + end.text("/result/status"));
        try {
            client.run("/oapi/v1/job/create", job, wait.replace("finished", "never") + ",\"timeout_ms\":300}");
            check(false, "waiting has an end");
        } catch (RpaException late) {
            check(late.kind() == RpaException.Kind.TIMEOUT && late.part().equals("wait") && late.resume().length() > 50,
                    "what is late can be gone on with");
        }
        RpaReply all = client.pages("/oapi/v1/job/list", RpaJson.object("pageSize", 2),
                RpaJson.object("page", "pageNum", "size", "pageSize", "items", "/result/rows", "total", "/result/total"));
        OUT.println("pages: " + ((List<?>) all.at("/result/rows")).size());
    }

    private static void json() {
        String text = "{\"a\":[1,-2.50,1e400,true,false,null,{\"~/\":\"\\u6708\\ud83d\\ude00\\n\\\"\"}],\"\":{},\"b\":12345678901234567890123}";
        Object value = RpaJson.parse(" " + text + "\n");
        check(RpaJson.at(value, "/a/1").equals(new BigDecimal("-2.50")) && RpaJson.at(value, "/a/0").equals(1L), "numbers are exact");
        check(RpaJson.at(value, "/b").equals(new BigInteger("12345678901234567890123")), "long numbers are exact");
        check(RpaJson.at(value, "/a/6/~0~1").equals("\u6708\ud83d\ude00\n\""), "escapes are read");
        check(RpaJson.at(value, "/a/7") == null && RpaJson.at(value, "/a/x") == null, "what is not there is null");
        check(RpaJson.parse(RpaJson.write(value)).equals(value), "what is written is read");
        for (String wrong : new String[] {"", "{", "[1,]", "{\"a\"}", "\"", "\"\\", "\"\\u12", "1 2", "tru", "-", "{a:1}", "[1"}) {
            try {
                check(RpaJson.parse(wrong) == null, "no JSON is taken: " + wrong);
            } catch (IllegalArgumentException right) {
                continue;
            }
        }
        for (Object wrong : new Object[] {Double.NaN, new Object(), new int[1]}) {
            try {
                check(RpaJson.write(wrong) == null, "what is no JSON is written: " + wrong);
            } catch (IllegalArgumentException right) {
                continue;
            }
        }
    }

    private static String sign(String value) {
        return RpaOpenApi.sign("{\"host\":\"http://x\",\"rest_type\":\"/a\",\"mode\":\"get\",\"accesstoken\":\"t\",\"timestamp\":1,"
                + "\"data_json\":{\"a\":\"" + value + "\"}}");
    }

    private static void edges() throws Exception {
        check(RpaOpenApi.call(null).contains("\"kind\":\"argument\""), "null is answered");
        check(RpaOpenApi.getToken("").contains("\"kind\":\"argument\""), "an empty text is answered");
        try {
            RpaOpenApi.refreshToken("{}\0{}");
            check(false, "NUL is refused");
        } catch (IllegalArgumentException right) {
            check(right.getMessage().contains("NUL"), "NUL is named");
        }
        check(sign("\u6708\u7ed3\ud83d\ude00").contains("\"source\":\"a=\u6708\u7ed3\ud83d\ude00&token="), "Chinese goes in and comes out");
        check(sign("\ud83d").contains("\"field\":\"data_json\""), "half a pair is refused where it cannot be sent");
        Thread[] threads = new Thread[16];
        for (int i = 0; i < threads.length; i++) {
            String name = "\u6708" + i + "-";
            threads[i] = new Thread(() -> check(IntStream.range(0, 200).allMatch(
                    n -> sign(name + n).contains("\"source\":\"a=" + name + n + "&token=")), "each thread gets its own replies"));
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void check(boolean right, String what) {
        if (!right) {
            OUT.println("not as it should be: " + what);
        }
    }
}
