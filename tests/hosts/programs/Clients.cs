// What the client has beside plain calls: <base> <fingerprint> <address of a server that never answers>
using System;
using System.Threading;
using System.Threading.Tasks;
using IsRpa.OpenApi;

internal static class Clients
{
    private static int Main(string[] arguments)
    {
        Console.SetOut(new System.IO.StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
        Tell(arguments[0], arguments[1], arguments[2]).GetAwaiter().GetResult();
        return 0;
    }

    private static RpaClient Client(string host, string pin)
    {
        var client = new RpaClient(host, "demo-access-key", "demo-secret-key");
        client.Settings["proxy"] = null;
        if (pin != null)
        {
            client.Settings["tls"] = new { pin_sha256 = pin };
        }
        return client;
    }

    private static async Task Tell(string host, string pin, string silent)
    {
        // Longer than this program is waited for, were it not given up.
        RpaClient waiting = Client(silent, null);
        waiting.Settings["timeout_ms"] = 120000;
        using (var giveUp = new CancellationTokenSource(200))
        {
            try
            {
                await waiting.PostAsync("/oapi/v1/job/create", null, giveUp.Token);
                Console.WriteLine("cancelled: never");
            }
            catch (OperationCanceledException)
            {
                Console.WriteLine("cancelled: ok");
            }
        }
        Task<string> early = RpaOpenApi.CallAsync("{}", new CancellationToken(true));
        Check(early.IsCanceled, "a call that is given up beforehand is not made");

        try
        {
            Client(host, new string('0', 64)).Get("/oapi/v1/job/list");
            Console.WriteLine("error: none");
        }
        catch (RpaException error)
        {
            bool whole = error.Code == 40 && error.Attempts >= 1 && error.ElapsedMs >= 0 && error.HttpStatus == null
                && error.Field == null && error.Msg.Length > 5 && error.Detail.Contains("pin") && error.Id.Length > 5 && error.Function == "rpa_call" && error.Target["scheme"].Equals("https")
                && error.Time.Length > 20 && error.Hint.Length > 5 && error.Version == RpaOpenApi.Version
                && error.Message.StartsWith(error.Msg) && error.Kind == RpaErrorKind.Tls && error.Delivered == RpaDelivered.No;
            Console.WriteLine("error: " + error.KindText + " " + error.Error["delivered"] + (whole ? " ok" : " " + error.Reply));
        }

        RpaClient client = Client(host, pin);
        RpaReply reply = client.Post("/oapi/v1/job/create", "{\"procCode\":\"P001\",\"robotNo\":\"Administrator@0A1B2C3D4E5F\","
            + "\"note\":\"\\u6708\\u7ed3 & 100% \\u5b8c\\u6210\"}");
        reply = await client.GetAsync("/oapi/v1/job/get", new { jobNo = reply.At("/result/jobNo") });
        Console.WriteLine("reply: " + reply.Text("/result/params/note"));
        Check(reply.IsSuccess && reply.Code == 0 && reply.At("/result/none/0") == null, "a reply can be looked into");
        await LongWork(client);
        RpaClient trusting = Client(host, null);
        trusting.Settings["tls"] = new { verify = false };
        trusting.Warning += (sender, told) => Check(told.Warning.Kind == "verify" && told.Warning.Chinese.Length > 3, "it is told");
        RpaReply trusted = trusting.Get("/oapi/v1/job/list", new { pageSize = 1 });
        Check(trusted.IsSuccess && trusted.Fact("/http_status").Equals(200L) && trusted.Fact("/id") is string, "facts are beside it");
        Console.WriteLine("warning: " + string.Join(" ", System.Linq.Enumerable.Select(trusted.Warnings, warning => warning.Kind)));
        RpaDiagnosis well = client.Diagnose(), wrong = await Client(host, new string('0', 64)).DiagnoseAsync();
        Check(well.Check == null && well.Chinese.Length > 5 && well.English.Length > 5, "a healthy one says so");
        Check(wrong.Reply.At("/result/checks/0/name") != null && wrong.ToString().Contains("pin"), "a broken one says why");
        Console.WriteLine("diagnosis: " + (well.Ok ? "well" : well.ToString()) + ", " + wrong.Check + " " + wrong.Setting + " " + wrong.Turn);
        Json();
    }

    private static async Task LongWork(RpaClient client)
    {
        var job = new { procCode = "P001", robotNo = "Administrator@0A1B2C3D4E5F" };
        const string Wait = "{\"rest_type\":\"/oapi/v1/job/get\",\"data_json\":{\"jobNo\":{\"pointer\":\"/result/jobNo\"}},\"until\":[{\"pointer\":\"/result/status\",\"in\":[\"finished\"]}],\"every_ms\":100";
        RpaReply end = client.Run("/oapi/v1/job/create", job, Wait + "}");
        Check(end.Started.Text("/result/jobNo") == end.Text("/result/jobNo"), "the end is of what was started");
        Console.WriteLine("run: " + end.Text("/result/status"));
        RpaReply begun = await client.RunAsync("/oapi/v1/job/create", job, Wait + ",\"timeout_ms\":0}");
        end = await client.ResumeAsync(begun.ResumeText);
        Check(end.Started.Text("/result/jobNo") == begun.Started.Text("/result/jobNo"), "the same is gone on with");
        Console.WriteLine("resume: " + end.Text("/result/status"));
        try
        {
            client.Run("/oapi/v1/job/create", job, Wait.Replace("finished", "never") + ",\"timeout_ms\":300}");
            Check(false, "waiting has an end");
        }
        catch (RpaException late)
        {
            Check(late.Kind == RpaErrorKind.Timeout && late.Part == "wait" && late.Resume.Length > 50, "what is late can be gone on with");
        }
        RpaReply all = await client.PagesAsync("/oapi/v1/job/list", null,
            new { page = "pageNum", size = "pageSize", items = "/result/rows", total = "/result/total" }, new { data_json = new { pageSize = 2 } });
        Console.WriteLine("pages: " + ((System.Collections.IList)all.At("/result/rows")).Count);
    }

    private static void Json()
    {
        const string Text = "{\"a\":[1,-2.50,1e400,true,false,null,{\"~/\":\"\\u6708\\ud83d\\ude00\\n\\\"\"}],\"\":{},\"b\":12345678901234567890123}";
        object value = RpaJson.Parse(" " + Text + "\n");
        Check(RpaJson.At(value, "/a/1").Equals(-2.5m) && RpaJson.At(value, "/a/0").Equals(1L), "numbers are exact");
        Check((string)RpaJson.At(value, "/a/6/~0~1") == "\u6708\ud83d\ude00\n\"", "escapes are read");
        Check(RpaJson.At(value, "/a/7") == null && RpaJson.At(value, "/a/x") == null, "what is not there is null");
        string again = RpaJson.Write(RpaJson.Parse(Text.Replace("1e400,", "")));
        Check(again.Contains("12345678901234567890123") && again.Contains("\u6708") && again.Contains("\\u000a"), again);
        foreach (string wrong in new[] { "", "{", "[1,]", "{\"a\"}", "\"", "\"\\", "\"\\u12", "1 2", "tru", "-", "{a:1}", "[1", new string('[', 9999) })
        {
            try
            {
                Check(RpaJson.Parse(wrong) == null, "no JSON is taken: " + wrong);
            }
            catch (FormatException)
            {
            }
        }
        foreach (object wrong in new object[] { double.NaN, new Uri("http://x"), DateTime.Now, new IntPtr(1) })
        {
            try
            {
                Check(RpaJson.Write(wrong) == null, "what is no JSON is written: " + wrong);
            }
            catch (ArgumentException)
            {
            }
        }
    }

    private static void Check(bool right, string what)
    {
        if (!right)
        {
            Console.WriteLine("not as it should be: " + what);
        }
    }
}
