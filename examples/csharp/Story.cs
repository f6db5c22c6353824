// The short story of a robot's job, in C#: get a token, start a job with a Chinese parameter, read it back, refresh the
// token, and one call that is refused on purpose.
//
//     Story.exe https://127.0.0.1:8443 FINGERPRINT [PROXY]
//
// FINGERPRINT is the SHA-256 fingerprint of the control center's certificate, or - for plain http. PROXY is a proxy's
// address, or - for none; if it is left out, the system's is used. The exit status is 0 only if every step was as it
// should be; what was not is said on stderr.
//
// It needs RpaOpenApi.cs and the library, and nothing else. RpaOpenApi.cs says where the library goes.
//
//     csc /codepage:65001 Story.cs RpaOpenApi.cs
//
// The names jobNo and params, and the path job/get, are those of the emulator, `control_center --tls`.

using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using IsRpa.OpenApi;

internal static class Story
{
    private const string AccessKey = "demo-access-key";
    private const string SecretKey = "demo-secret-key";
    private const string Note = "月结 & 100% 完成";

    private static int Main(string[] arguments)
    {
        if (arguments.Length < 2 || arguments.Length > 3)
        {
            Console.Error.WriteLine("usage: Story <base URL> <fingerprint, - for plain http> [proxy, - for none]");
            return 2;
        }
        WriteUtf8();
        // The fields that each request begins with.
        var server = new Dictionary<string, object> { { "host", arguments[0] } };
        if (arguments[1] != "-")
        {
            server["tls"] = new { pin_sha256 = arguments[1] };
        }
        if (arguments.Length > 2)
        {
            server["proxy"] = arguments[2] == "-" ? null : arguments[2];
        }
        try
        {
            // A program whose Main is async awaits it in place of this.
            Tell(server).GetAwaiter().GetResult();
            return 0;
        }
        catch (RpaException error)
        {
            Console.Error.WriteLine("story: " + error.Msg);
            Console.Error.WriteLine("story: " + error.KindText + ": " + error.Detail + ", delivered: " + error.Delivered);
        }
        catch (Surprise surprise)
        {
            Console.Error.WriteLine("story: " + surprise.Message);
        }
        catch (DllNotFoundException error)
        {
            Console.Error.WriteLine("story: " + error.Message);
        }
        return 1;
    }

    private static async Task Tell(Dictionary<string, object> server)
    {
        Console.WriteLine("version " + RpaOpenApi.Version);

        // With the keys as its second and third argument, the client would look after the token by itself.
        var client = new RpaClient((string)server["host"]);
        foreach (KeyValuePair<string, object> setting in server)
        {
            client.Settings[setting.Key] = setting.Value;
        }
        client.Warning += (sender, told) => Console.Error.WriteLine("story: warning: " + told.Warning);

        RpaReply reply = Checked(await client.GetTokenAsync(AccessKey, SecretKey));
        string token = reply.Text("/result/accessToken"), refresh = reply.Text("/result/refreshToken");
        client.Settings["accesstoken"] = token;
        Console.WriteLine("token: ok");

        var job = new { procCode = "P001", robotNo = "Administrator@0A1B2C3D4E5F", note = Note };
        reply = Checked(await client.PostAsync("/oapi/v1/job/create", job));
        Console.WriteLine("job started: ok");

        reply = Checked(await client.GetAsync("/oapi/v1/job/get", new { jobNo = reply.Text("/result/jobNo") }));
        string note = reply.Text("/result/params/note");
        Expect(note == Note, "the note is " + note);
        Console.WriteLine("job read back: " + note);

        reply = Checked(await client.RefreshTokenAsync(refresh));
        Expect(reply.Text("/result/accessToken") != token, "the refreshed token is the old one");
        Console.WriteLine("token refreshed: ok");

        // A field is misspelt, so nothing is sent, and the error names the field.
        try
        {
            reply = await client.CallAsync("get", "/oapi/v1/job/list", null, new { acesstoken = token });
            throw new Surprise("not as it should be: the refusal is " + reply);
        }
        catch (RpaException error)
        {
            Expect(error.Kind == RpaErrorKind.Argument && error.Delivered == RpaDelivered.No, "the refusal is " + error);
            Console.WriteLine("refused on purpose: " + error.KindText + " " + error.Field);
        }
    }

    // A reply that says success, which is "code": 0. What the control center refuses is a reply as well.
    private static RpaReply Checked(RpaReply reply)
    {
        if (!reply.IsSuccess)
        {
            throw new Surprise(reply.Msg);
        }
        return reply;
    }

    private static void Expect(bool right, string what)
    {
        if (!right)
        {
            throw new Surprise("not as it should be: " + what);
        }
    }

    // Chinese is written right whatever the system's language is, to a window and to a file.
    private static void WriteUtf8()
    {
        var utf8 = new UTF8Encoding(false);
        try
        {
            Console.OutputEncoding = utf8;
        }
        catch (IOException)
        {
            // There is no window: what is started without one writes to a file or to another program.
            Console.SetOut(new StreamWriter(Console.OpenStandardOutput(), utf8) { AutoFlush = true });
            Console.SetError(new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true });
        }
    }

    private sealed class Surprise : Exception
    {
        internal Surprise(string message) : base(message)
        {
        }
    }
}
