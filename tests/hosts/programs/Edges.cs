// What a text may hold that is not as usual, many threads, and many large replies.
using System;
using System.IO;
using System.Threading;
using IsRpa.OpenApi;

internal static class Edges
{
    private static int failures;

    private static void Check(bool right, string what)
    {
        if (!right)
        {
            Console.Error.WriteLine("not as it should be: " + what);
            Interlocked.Increment(ref failures);
        }
    }

    private static string Sign(string mode, string value)
    {
        return RpaOpenApi.Sign("{\"host\":\"http://x\",\"rest_type\":\"/a\",\"mode\":\"" + mode + "\",\"accesstoken\":\"t\","
            + "\"timestamp\":1,\"data_json\":{\"a\":\"" + value + "\"}}");
    }

    private static int Main()
    {
        foreach (Func<string, string> function in new Func<string, string>[]
            { RpaOpenApi.GetToken, RpaOpenApi.RefreshToken, RpaOpenApi.Call, RpaOpenApi.Sign })
        {
            Check(function(null).Contains("\"kind\":\"argument\""), "null is answered");
            Check(function("").Contains("\"kind\":\"argument\""), "an empty text is answered");
            try
            {
                function("{}\0{}");
                Check(false, "NUL is refused");
            }
            catch (ArgumentException)
            {
            }
        }

        Check(Sign("get", "月结😀").Contains("\"source\":\"a=月结😀&token="), "Chinese goes in and comes out");
        Check(Sign("put", "月😀\ud83d完").Contains("\\\\u6708\\\\ud83d\\\\ude00\\\\ud83d\\\\u5b8c"), "half a pair is sent");
        Check(Sign("put", "\ude00\ud83d").Contains("\\\\ude00\\\\ud83d"), "two halves in the wrong order are sent");
        Check(Sign("get", "\ud83d").Contains("\"field\":\"data_json\""), "half a pair is refused where it cannot be sent");

        var threads = new Thread[16];
        for (int i = 0; i < threads.Length; i++)
        {
            string name = "月结" + i;
            threads[i] = new Thread(() =>
            {
                int right = 0;
                for (int n = 0; n < 200; n++)
                {
                    right += Sign("get", name + n).Contains("\"source\":\"a=" + name + n + "&token=") ? 1 : 0;
                }
                Check(right == 200, "each thread gets its own replies");
            });
            threads[i].Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        string large = new string('月', 100000);
        long before = Resident();
        for (int n = 0; n < 75; n++)
        {
            Sign("get", large);
            if (n % 10 == 0)
            {
                GC.Collect();
            }
        }
        long grown = Resident() - before;
        Check(grown < 90, "replies are freed: the process has grown by " + grown + " MiB");
        return failures == 0 ? 0 : 1;
    }

    // In MiB, where Linux tells; C#'s own count leaves out the library's memory.
    private static long Resident()
    {
        const string Told = "/proc/self/statm";
        return File.Exists(Told) ? long.Parse(File.ReadAllText(Told).Split(' ')[1]) * 4 / 1024 : 0;
    }
}
