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
using System.IO;
using System.Text;

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
        string server = "\"host\":" + Json.Quoted(arguments[0]);
        if (arguments[1] != "-")
        {
            server += ",\"tls\":{\"pin_sha256\":" + Json.Quoted(arguments[1]) + "}";
        }
        if (arguments.Length > 2)
        {
            server += ",\"proxy\":" + (arguments[2] == "-" ? "null" : Json.Quoted(arguments[2]));
        }
        try
        {
            Tell(server);
            return 0;
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

    private static void Tell(string server)
    {
        Console.WriteLine("version " + RpaOpenApi.Version);

        string keys = "\"accesskey\":" + Json.Quoted(AccessKey) + ",\"secretkey\":" + Json.Quoted(SecretKey);
        string reply = Checked("the token", RpaOpenApi.GetToken("{" + server + "," + keys + "}"));
        string token = Json.Text(reply, "result.accessToken");
        string refresh = Json.Text(reply, "result.refreshToken");
        Console.WriteLine("token: ok");

        string data = "{\"procCode\":\"P001\",\"robotNo\":\"Administrator@0A1B2C3D4E5F\",\"note\":"
            + Json.Quoted(Note) + "}";
        reply = Call(server, token, "post", "/oapi/v1/job/create", data);
        string job = Json.Text(reply, "result.jobNo");
        Console.WriteLine("job started: ok");

        reply = Call(server, token, "get", "/oapi/v1/job/get", "{\"jobNo\":" + Json.Quoted(job) + "}");
        string note = Json.Text(reply, "result.params.note");
        Expect(note == Note, "the note is " + note);
        Console.WriteLine("job read back: " + note);

        string request = "{" + server + ",\"refreshtoken\":" + Json.Quoted(refresh) + "}";
        reply = Checked("refreshing", RpaOpenApi.RefreshToken(request));
        Expect(Json.Text(reply, "result.accessToken") != token, "the refreshed token is the old one");
        Console.WriteLine("token refreshed: ok");

        // A field is misspelt, so nothing is sent, and the error names the field.
        request = "{" + server + ",\"acesstoken\":" + Json.Quoted(token)
            + ",\"mode\":\"get\",\"rest_type\":\"/oapi/v1/job/list\"}";
        reply = RpaOpenApi.Call(request);
        string kind = Json.Text(reply, "error.kind"), field = Json.Text(reply, "error.field");
        Expect(kind == "argument" && field == "acesstoken", "the refusal is " + reply);
        Console.WriteLine("refused on purpose: " + kind + " " + field);
    }

    // One signed call.
    private static string Call(string server, string token, string mode, string path, string data)
    {
        string request = "{" + server + ",\"accesstoken\":" + Json.Quoted(token) + ",\"mode\":" + Json.Quoted(mode)
            + ",\"rest_type\":" + Json.Quoted(path) + ",\"data_json\":" + data + "}";
        return Checked(path, RpaOpenApi.Call(request));
    }

    // A reply that says success, which is "code": 0. Throws what went wrong otherwise.
    private static string Checked(string what, string reply)
    {
        if (Json.Value(reply, "code") == "0")
        {
            return reply;
        }
        string why = what + ": " + Json.Text(reply, "msg");
        if (Json.Value(reply, "error.kind") != null) // an error of the library; a server's own refusal has none
        {
            why += Environment.NewLine + "story: " + Json.Text(reply, "error.kind") + ": "
                + Json.Text(reply, "error.detail") + ", delivered: " + Json.Text(reply, "error.delivered");
        }
        throw new Surprise(why);
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

    // A few lines of JSON, so that this program needs no package. In a program of your own, take System.Text.Json or
    // whatever you have.
    private static class Json
    {
        // A text as a JSON string.
        internal static string Quoted(string text)
        {
            var json = new StringBuilder("\"");
            foreach (char c in text)
            {
                if (c == '"' || c == '\\')
                {
                    json.Append('\\').Append(c);
                }
                else if (c < ' ')
                {
                    json.Append("\\u").Append(((int)c).ToString("x4"));
                }
                else
                {
                    json.Append(c);
                }
            }
            return json.Append('"').ToString();
        }

        // The text at a path such as "result.params.note".
        internal static string Text(string json, string path)
        {
            string value = Value(json, path);
            if (value == null || value[0] != '"')
            {
                throw new Surprise("the reply has no text " + path);
            }
            return Decoded(value);
        }

        // The value at a path, as it stands in a JSON text that is valid, as every reply of the library is; null if
        // there is none.
        internal static string Value(string json, string path)
        {
            int at = AfterSpace(json, 0);
            foreach (string name in path.Split('.'))
            {
                at = Member(json, at, name);
                if (at < 0)
                {
                    return null;
                }
            }
            return json.Substring(at, AfterValue(json, at) - at);
        }

        // Where the value of an object's member begins; -1 if there is none.
        private static int Member(string json, int at, string name)
        {
            if (json[at] != '{')
            {
                return -1;
            }
            do
            {
                int key = AfterSpace(json, at + 1);
                if (json[key] != '"')
                {
                    return -1; // an empty object
                }
                int end = AfterString(json, key);
                int value = AfterSpace(json, AfterSpace(json, end) + 1); // the colon lies between
                if (Decoded(json.Substring(key, end - key)) == name)
                {
                    return value;
                }
                at = AfterSpace(json, AfterValue(json, value));
            }
            while (json[at] == ',');
            return -1;
        }

        private static int AfterSpace(string json, int at)
        {
            while (at < json.Length && " \t\r\n".IndexOf(json[at]) >= 0)
            {
                at++;
            }
            return at;
        }

        private static int AfterString(string json, int at)
        {
            for (at++; json[at] != '"'; at++)
            {
                if (json[at] == '\\')
                {
                    at++;
                }
            }
            return at + 1;
        }

        private static int AfterValue(string json, int at)
        {
            int depth = 0;
            do
            {
                switch (json[at])
                {
                    case '"':
                        at = AfterString(json, at);
                        break;
                    case '{':
                    case '[':
                        depth++;
                        at++;
                        break;
                    case '}':
                    case ']':
                        depth--;
                        at++;
                        break;
                    default:
                        // A number, true, false, null; within an object or array also what stands between the values.
                        int end = json.IndexOfAny((depth > 0 ? "\"{}[]" : ",]} \t\r\n").ToCharArray(), at);
                        at = end < 0 ? json.Length : end;
                        break;
                }
            }
            while (depth > 0);
            return at;
        }

        private static string Decoded(string json)
        {
            var text = new StringBuilder();
            for (int i = 1; i < json.Length - 1; i++)
            {
                if (json[i] != '\\')
                {
                    text.Append(json[i]);
                    continue;
                }
                i++;
                if (json[i] == 'u')
                {
                    // The two halves of a surrogate pair come one after the other, as C# has them, too.
                    text.Append((char)Convert.ToInt32(json.Substring(i + 1, 4), 16));
                    i += 4;
                }
                else
                {
                    text.Append("\"\\/\b\f\n\r\t"["\"\\/bfnrt".IndexOf(json[i])]);
                }
            }
            return text.ToString();
        }
    }
}
