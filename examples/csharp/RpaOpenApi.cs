// Calls the OpenAPI of an RPA control center (iS-RPA) through the shared library rpa_openapi.
//
// .NET Framework 4.5 and later, netstandard2.0 (.NET Core, .NET 6 and later), Mono. C# 5, no packages. Everything here may
// be used from any number of threads at once.
//
//     using IsRpa.OpenApi;
//
//     var client = new RpaClient("https://10.0.0.5:8443", "access key", "secret key");
//     RpaReply reply = await client.PostAsync("/oapi/v1/job/create", new { procCode = "P001", note = "..." });
//     Console.WriteLine(reply.Text("/result/jobNo"));
//
// RpaOpenApi has the library's functions as they are, JSON text in and JSON text out. RpaClient keeps what its calls have
// in common, and throws an RpaException where there is no reply of the control center.
//
// Nothing here is to be disposed of: replies are copied and freed at once, and connections and tokens are the library's,
// which looks after them for as long as the process lives.
//
// The library goes beside the program:
//
//     Windows  x64\rpa_openapi.dll and x86\rpa_openapi.dll: the one that fits the process is loaded, so that a program
//              built for AnyCPU runs as either. Without these folders rpa_openapi.dll beside the program is taken,
//              which must then fit.
//     Linux    librpa_openapi.so

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace IsRpa.OpenApi
{
    /// <summary>
    /// The library's functions: JSON text in, JSON text out. What goes wrong in a call is in the reply, which is never null and
    /// always JSON, also where the library is missing, does not fit the process or is too old: then error.kind is "internal"
    /// and error.delivered "no". <see cref="ArgumentException"/> is thrown for a text that holds NUL, and
    /// <see cref="DllNotFoundException"/> by Version where there is no library to ask.
    /// </summary>
    /// <remarks>
    /// A call cannot be stopped. Where its token is cancelled, the task ends at once; the call goes on by itself until it has
    /// an answer, at most for its timeout_ms, and its reply is freed then. Whether the control center gets it is not known, so
    /// look a post up before it is made again.
    /// </remarks>
    public static class RpaOpenApi
    {
        /// <summary>Gets an access token and a refresh token for an access key and a secret key.</summary>
        public static string GetToken(string request)
        {
            return Ask("rpa_get_token", Native.rpa_get_token, request);
        }

        /// <summary>Trades a refresh token for new tokens.</summary>
        public static string RefreshToken(string request)
        {
            return Ask("rpa_refresh_token", Native.rpa_refresh_token, request);
        }

        /// <summary>Signs one API call, sends it and returns the reply.</summary>
        public static string Call(string request)
        {
            return Ask("rpa_call", Native.rpa_call, request);
        }

        /// <summary>Signs the same request as Call and does not send it. The reply holds the token.</summary>
        public static string Sign(string request)
        {
            return Ask("rpa_sign", Native.rpa_sign, request);
        }

        /// <summary>Looks at the same request from end to end: what is wrong first, and whose turn it is.</summary>
        public static string Diagnose(string request)
        {
            return Ask("rpa_diagnose", Native.rpa_diagnose, request);
        }

        /// <summary>GetToken on a thread of its own.</summary>
        public static Task<string> GetTokenAsync(string request, CancellationToken cancellation = default(CancellationToken))
        {
            return Aside(() => GetToken(request), cancellation);
        }

        /// <summary>RefreshToken on a thread of its own.</summary>
        public static Task<string> RefreshTokenAsync(string request, CancellationToken cancellation = default(CancellationToken))
        {
            return Aside(() => RefreshToken(request), cancellation);
        }

        /// <summary>Call on a thread of its own.</summary>
        public static Task<string> CallAsync(string request, CancellationToken cancellation = default(CancellationToken))
        {
            return Aside(() => Call(request), cancellation);
        }

        /// <summary>Sign on a thread of its own; with keys it may have to get a token first.</summary>
        public static Task<string> SignAsync(string request, CancellationToken cancellation = default(CancellationToken))
        {
            return Aside(() => Sign(request), cancellation);
        }

        /// <summary>Diagnose on a thread of its own.</summary>
        public static Task<string> DiagnoseAsync(string request, CancellationToken cancellation = default(CancellationToken))
        {
            return Aside(() => Diagnose(request), cancellation);
        }

        /// <summary>The version of the library, such as "1.2.3".</summary>
        public static string Version
        {
            // Static in the library, and never freed.
            get { return Loaded(() => Text(Native.rpa_version())); }
        }

        // A thread of its own, and none of the pool's, which calls that wait for minutes would use up.
        internal static Task<T> Aside<T>(Func<T> call, CancellationToken cancellation)
        {
            var source = new TaskCompletionSource<T>();
            if (cancellation.IsCancellationRequested)
            {
                source.SetCanceled();
                return source.Task;
            }
            // Who cancels shall not have to run what comes after the task.
            CancellationTokenRegistration registration =
                cancellation.Register(() => ThreadPool.QueueUserWorkItem(_ => source.TrySetCanceled()));
            var thread = new Thread(() =>
            {
                try
                {
                    T result = call();
                    registration.Dispose();
                    source.TrySetResult(result);
                }
                catch (Exception error)
                {
                    registration.Dispose();
                    source.TrySetException(error);
                }
            });
            thread.IsBackground = true; // a program may end without it
            thread.Name = "rpa_openapi";
            thread.Start();
            return source.Task;
        }

        private static string Ask(string name, Func<byte[], IntPtr> function, string request)
        {
            byte[] bytes = Bytes(request);
            try
            {
                return Loaded(() =>
                {
                    IntPtr reply = function(bytes);
                    try
                    {
                        return Text(reply);
                    }
                    finally
                    {
                        Native.rpa_free(reply);
                    }
                });
            }
            catch (NotLoadedException error)
            {
                return error.Reply(name);
            }
        }

        // UTF-8 by hand: .NET Framework would marshal a string in the system's code page, and lose what that does not hold.

        private static byte[] Bytes(string json)
        {
            if (json == null)
            {
                return null; // which the library answers
            }
            if (json.IndexOf('\0') >= 0)
            {
                throw new ArgumentException("The request holds NUL, at which the library would take it to end.", "request");
            }
            string text = WithoutHalfPairs(json);
            var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1]; // the last stays NUL
            Encoding.UTF8.GetBytes(text, 0, text.Length, bytes, 0);
            return bytes;
        }

        // Half a surrogate pair has no UTF-8, but JSON can write it, as \ud83d. So the library sees it, and does not see
        // another character in its place.
        private static string WithoutHalfPairs(string json)
        {
            StringBuilder written = null;
            int begin = 0;
            for (int i = 0; i < json.Length; i++)
            {
                if (!char.IsSurrogate(json[i]))
                {
                    continue;
                }
                if (char.IsSurrogatePair(json, i))
                {
                    i++;
                    continue;
                }
                written = written ?? new StringBuilder();
                written.Append(json, begin, i - begin).Append("\\u").Append(((int)json[i]).ToString("x4"));
                begin = i + 1;
            }
            return written == null ? json : written.Append(json, begin, json.Length - begin).ToString();
        }

        private static string Text(IntPtr text)
        {
            int length = 0;
            while (Marshal.ReadByte(text, length) != 0)
            {
                length++;
            }
            var bytes = new byte[length];
            Marshal.Copy(text, bytes, 0, length);
            return Encoding.UTF8.GetString(bytes);
        }

        // --- Loading -----------------------------------------------------------------------------------------------------

        private static readonly string Tried;

        // A constructor, and not an initializer, which might run only after the first call.
        static RpaOpenApi()
        {
            Tried = Preload();
        }

        // Loads the DLL that fits this process, so that the name "rpa_openapi" means that one from then on, and tells what
        // was tried. Where there is none, the system searches in its own way.
        private static string Preload()
        {
            string tried = "";
            if (Environment.OSVersion.Platform != PlatformID.Win32NT)
            {
                return tried;
            }
            foreach (string folder in new[] { FolderOfAssembly(), AppDomain.CurrentDomain.BaseDirectory })
            {
                string path = Path.Combine(folder ?? "", IntPtr.Size == 8 ? "x64" : "x86", "rpa_openapi.dll");
                if (!Path.IsPathRooted(path) || tried.Contains(path))
                {
                    continue;
                }
                if (Native.LoadLibraryW(path) != IntPtr.Zero)
                {
                    return path;
                }
                tried += path + " (Windows error " + Marshal.GetLastWin32Error() + "), ";
            }
            return tried;
        }

        private static string FolderOfAssembly()
        {
            try
            {
                return Path.GetDirectoryName(typeof(RpaOpenApi).Assembly.Location); // "" in a single-file program
            }
            catch (Exception) // an assembly that was made in memory has none
            {
                return null;
            }
        }

        private static string Loaded(Func<string> call)
        {
            try
            {
                return call();
            }
            catch (DllNotFoundException error)
            {
                // "the library cannot be found or loaded; put the one of this bitness beside the program"
                throw new NotLoadedException("cannot be loaded", "\u627e\u4e0d\u5230\u52a8\u6001\u5e93rpa_openapi,\u6216\u8005\u5b83\u4e0d\u80fd\u52a0\u8f7d,\u8bf7\u628a{bits}\u4f4d\u7684\u653e\u5728\u7a0b\u5e8f\u65c1\u8fb9", error);
            }
            catch (BadImageFormatException error)
            {
                // "the library is not of the program's bitness; take the one that is"
                throw new NotLoadedException("cannot be loaded", "\u52a8\u6001\u5e93rpa_openapi\u7684\u4f4d\u6570\u4e0e\u7a0b\u5e8f\u4e0d\u540c,\u8bf7\u6362\u6210{bits}\u4f4d\u7684", error);
            }
            catch (EntryPointNotFoundException error)
            {
                // "the library is too old, or another one; take the new one of this bitness"
                throw new NotLoadedException("is too old or another one: it lacks a function", "\u52a8\u6001\u5e93rpa_openapi\u7248\u672c\u592a\u65e7,\u6216\u8005\u4e0d\u662f\u8fd9\u4e2a\u5e93,\u8bf7\u6362\u6210{bits}\u4f4d\u7684\u65b0\u7248\u672c", error);
            }
        }

        // The library is not there as it should be. The Chinese texts are written with escapes, since older compilers read a
        // source file in the system's code page.
        private sealed class NotLoadedException : DllNotFoundException
        {
            private readonly string detail;
            private readonly string cause;

            internal NotLoadedException(string what, string cause, Exception error)
                : base(Detail(what) + " " + error.Message, error)
            {
                // Without the message of .NET, which is in the language of the system.
                this.detail = Detail(what);
                this.cause = cause.Replace("{bits}", (IntPtr.Size * 8).ToString());
            }

            private static string Detail(string what)
            {
                string tried = Tried.Length > 0 ? " Tried: " + Tried + "then the system's own search." : "";
                return "The library rpa_openapi " + what + ". This process is " + IntPtr.Size * 8 + "-bit." + tried;
            }

            private static string Quoted(string text)
            {
                return RpaJson.Write(text);
            }

            // What the function would have replied, had the library been there to say so.
            internal string Reply(string function)
            {
                bool isCall = function != "rpa_get_token" && function != "rpa_refresh_token";
                string begin = isCall ? "fail,\u610f\u5916\u60c5\u51b5:" : function == "rpa_get_token"
                    ? "fail,\u83b7\u53d6token\u5931\u8d25:" : "fail,\u5237\u65b0token\u5931\u8d25:";
                string[] facts =
                {
                    "\"kind\":\"internal\"", "\"detail\":" + Quoted(detail), "\"field\":null", "\"http_status\":null",
                    "\"attempts\":0", "\"delivered\":\"no\"", "\"elapsed_ms\":0", "\"id\":null",
                    "\"time\":" + Quoted(DateTime.Now.ToString("yyyy-MM-ddTHH:mm:ss.fffzzz", CultureInfo.InvariantCulture)),
                    "\"version\":null", "\"function\":" + Quoted(function), "\"target\":null", "\"peer\":null",
                    "\"proxy\":null", "\"proxy_from\":null", "\"phase\":null", "\"ms\":null", "\"hint\":" + Quoted(cause)
                };
                return "{\"code\":" + (isCall ? 40 : 44) + ",\"msg\":" + Quoted(begin + cause) + ",\"result\":null,\"error\":{"
                    + string.Join(",", facts) + "}}";
            }
        }

        // The names of include/rpa_openapi.h.
        private static class Native
        {
            private const string Library = "rpa_openapi";

            [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
            internal static extern IntPtr rpa_get_token([In] byte[] request);

            [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
            internal static extern IntPtr rpa_refresh_token([In] byte[] request);

            [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
            internal static extern IntPtr rpa_call([In] byte[] request);

            [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
            internal static extern IntPtr rpa_sign([In] byte[] request);

            [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
            internal static extern IntPtr rpa_diagnose([In] byte[] request);

            [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
            internal static extern void rpa_free(IntPtr reply);

            [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
            internal static extern IntPtr rpa_version();

            [DllImport("kernel32", CharSet = CharSet.Unicode, SetLastError = true, ExactSpelling = true)]
            internal static extern IntPtr LoadLibraryW(string path);
        }
    }

    /// <summary>One control center. Its methods return the reply of the control center, whatever its code, and throw an
    /// <see cref="RpaException"/> where there is none.</summary>
    /// <remarks>
    /// The data of a call is an object with properties, a dictionary, or a text that holds a JSON object. Each method has an
    /// Async form, which runs on a thread of its own; see <see cref="RpaOpenApi"/> for what cancelling means.
    /// </remarks>
    public class RpaClient
    {
        /// <summary>With the keys the library gets, keeps and renews the token.</summary>
        public RpaClient(string host, string accessKey = null, string secretKey = null)
        {
            Settings = new Dictionary<string, object> { { "host", host } };
            if (accessKey != null || secretKey != null)
            {
                Settings["accesskey"] = accessKey;
                Settings["secretkey"] = secretKey;
            }
            Meta = true;
        }

        /// <summary>The fields that every request begins with, by the library's names: proxy, tls, timeout_ms, accesstoken,
        /// token_store, log and so on. They are to be set before the first call.</summary>
        public IDictionary<string, object> Settings { get; private set; }

        /// <summary>Whether replies come with facts and warnings beside them (true).</summary>
        public bool Meta { get; set; }

        /// <summary>Something that did no harm to this call and should be looked at, such as a wrong clock. Raised on the
        /// thread that makes the call, before the reply is returned.</summary>
        public event EventHandler<RpaWarningEventArgs> Warning;

        public RpaReply Get(string restType, object data = null)
        {
            return Call("get", restType, data);
        }

        public RpaReply Post(string restType, object data = null)
        {
            return Call("post", restType, data);
        }

        public RpaReply Put(string restType, object data = null)
        {
            return Call("put", restType, data);
        }

        public RpaReply Delete(string restType, object data = null)
        {
            return Call("delete", restType, data);
        }

        public Task<RpaReply> GetAsync(string restType, object data = null,
            CancellationToken cancellation = default(CancellationToken))
        {
            return CallAsync("get", restType, data, null, cancellation);
        }

        public Task<RpaReply> PostAsync(string restType, object data = null,
            CancellationToken cancellation = default(CancellationToken))
        {
            return CallAsync("post", restType, data, null, cancellation);
        }

        public Task<RpaReply> PutAsync(string restType, object data = null,
            CancellationToken cancellation = default(CancellationToken))
        {
            return CallAsync("put", restType, data, null, cancellation);
        }

        public Task<RpaReply> DeleteAsync(string restType, object data = null,
            CancellationToken cancellation = default(CancellationToken))
        {
            return CallAsync("delete", restType, data, null, cancellation);
        }

        /// <summary>Any call. More holds further fields of this request: files, save_to, timeout_ms and so on.</summary>
        public RpaReply Call(string mode, string restType, object data = null, object more = null)
        {
            return Checked(RpaOpenApi.Call(Request(Fields(mode, restType, data), more)));
        }

        public Task<RpaReply> CallAsync(string mode, string restType, object data = null, object more = null,
            CancellationToken cancellation = default(CancellationToken))
        {
            // Written here, so that the caller may change the data afterwards.
            string request = Request(Fields(mode, restType, data), more);
            return RpaOpenApi.Aside(() => Checked(RpaOpenApi.Call(request)), cancellation);
        }

        /// <summary>Starts something by a post and waits until it has come to its end: wait says how that is seen, see the
        /// library's field of that name. The reply is that of the end; Started is that of the start.</summary>
        /// <remarks>If this fails, <see cref="RpaException.Part"/> says of which of the two. A text of
        /// <see cref="RpaException.Resume"/> goes on waiting by <see cref="Resume"/>, and starts nothing again.</remarks>
        public RpaReply Run(string restType, object data, object wait, object more = null)
        {
            return Waiting(restType, data, wait, more)();
        }

        public Task<RpaReply> RunAsync(string restType, object data, object wait, object more = null,
            CancellationToken cancellation = default(CancellationToken))
        {
            return RpaOpenApi.Aside(Waiting(restType, data, wait, more), cancellation);
        }

        /// <summary>Goes on waiting for what <see cref="Run"/> has started, in whatever process that was.</summary>
        public RpaReply Resume(string resume, object more = null)
        {
            string request = Request(new Dictionary<string, object> { { "resume", resume } }, more);
            return Checked(RpaOpenApi.Call(request)).OfEnd();
        }

        public Task<RpaReply> ResumeAsync(string resume, object more = null,
            CancellationToken cancellation = default(CancellationToken))
        {
            string request = Request(new Dictionary<string, object> { { "resume", resume } }, more);
            return RpaOpenApi.Aside(() => Checked(RpaOpenApi.Call(request)).OfEnd(), cancellation);
        }

        /// <summary>Gathers all pages of a list into one reply: pages names the fields, see the library's field of that
        /// name.</summary>
        public RpaReply Pages(string restType, object data, object pages, object more = null, string mode = "get")
        {
            return Checked(RpaOpenApi.Call(Request(Fields(mode, restType, data), new { pages = Parsed(pages) }, more)));
        }

        public Task<RpaReply> PagesAsync(string restType, object data, object pages, object more = null, string mode = "get",
            CancellationToken cancellation = default(CancellationToken))
        {
            string request = Request(Fields(mode, restType, data), new { pages = Parsed(pages) }, more);
            return RpaOpenApi.Aside(() => Checked(RpaOpenApi.Call(request)), cancellation);
        }

        /// <summary>Gets an access token and a refresh token, for who looks after tokens by hand.</summary>
        public RpaReply GetToken(string accessKey, string secretKey)
        {
            return Checked(RpaOpenApi.GetToken(TokenRequest("accesskey", accessKey, "secretkey", secretKey)));
        }

        public Task<RpaReply> GetTokenAsync(string accessKey, string secretKey,
            CancellationToken cancellation = default(CancellationToken))
        {
            string request = TokenRequest("accesskey", accessKey, "secretkey", secretKey);
            return RpaOpenApi.Aside(() => Checked(RpaOpenApi.GetToken(request)), cancellation);
        }

        /// <summary>Trades a refresh token for new tokens.</summary>
        public RpaReply RefreshToken(string refreshToken)
        {
            return Checked(RpaOpenApi.RefreshToken(TokenRequest("refreshtoken", refreshToken)));
        }

        public Task<RpaReply> RefreshTokenAsync(string refreshToken,
            CancellationToken cancellation = default(CancellationToken))
        {
            string request = TokenRequest("refreshtoken", refreshToken);
            return RpaOpenApi.Aside(() => Checked(RpaOpenApi.RefreshToken(request)), cancellation);
        }

        /// <summary>Looks at these settings from end to end: what is wrong first, and whose turn it is. Changes nothing on the
        /// control center. More holds the fields of a call that is to be looked at as well, rest_type and so on.</summary>
        public RpaDiagnosis Diagnose(object more = null)
        {
            return RpaDiagnosis.Of(Checked(RpaOpenApi.Diagnose(Request(new Dictionary<string, object>(), more))));
        }

        public Task<RpaDiagnosis> DiagnoseAsync(object more = null,
            CancellationToken cancellation = default(CancellationToken))
        {
            string request = Request(new Dictionary<string, object>(), more);
            return RpaOpenApi.Aside(() => RpaDiagnosis.Of(Checked(RpaOpenApi.Diagnose(request))), cancellation);
        }

        // The settings without those that are for calls alone.
        private string TokenRequest(params string[] fields)
        {
            Dictionary<string, object> request = Common();
            foreach (string name in new[] { "accesskey", "secretkey", "accesstoken", "token_store", "token_ttl_ms",
                "token_refused", "correct_clock", "values", "encoding", "retry_mode", "query", "empty_ok",
                "signature_refused" })
            {
                request.Remove(name);
            }
            for (int i = 0; i < fields.Length; i += 2)
            {
                request[fields[i]] = fields[i + 1];
            }
            return RpaJson.Write(request);
        }

        private Dictionary<string, object> Common()
        {
            var request = new Dictionary<string, object>(Settings);
            if (Meta)
            {
                request["meta"] = true;
            }
            return request;
        }

        private Func<RpaReply> Waiting(string restType, object data, object wait, object more)
        {
            string request = Request(Fields("post", restType, data), new { wait = Parsed(wait) }, more);
            return () => Checked(RpaOpenApi.Call(request)).OfEnd();
        }

        private static Dictionary<string, object> Fields(string mode, string restType, object data)
        {
            return new Dictionary<string, object> { { "mode", mode }, { "rest_type", restType }, { "data_json", data } };
        }

        // Of data alone the library takes a text in place of an object.
        private static object Parsed(object value)
        {
            string text = value as string;
            return text == null ? value : RpaJson.Parse(text);
        }

        private string Request(Dictionary<string, object> fields, params object[] more)
        {
            Dictionary<string, object> request = Common();
            foreach (KeyValuePair<string, object> field in fields)
            {
                request[field.Key] = field.Value;
            }
            foreach (object further in more)
            {
                if (further == null)
                {
                    continue;
                }
                foreach (KeyValuePair<string, object> field in RpaJson.Members(Parsed(further)))
                {
                    request[field.Key] = field.Value;
                }
            }
            return RpaJson.Write(request);
        }

        private RpaReply Checked(string text)
        {
            RpaReply reply = RpaReply.Unwrap(text);
            EventHandler<RpaWarningEventArgs> handler = Warning;
            if (handler != null)
            {
                foreach (RpaWarning warning in reply.Warnings)
                {
                    handler(this, new RpaWarningEventArgs(warning));
                }
            }
            RpaException error = RpaException.In(reply);
            if (error != null)
            {
                throw error;
            }
            return reply;
        }
    }

    /// <summary>A reply of the control center, and what was seen on the way.</summary>
    public class RpaReply
    {
        private object value;
        private bool isParsed;
        private readonly object meta;

        internal RpaReply(string json, object meta)
        {
            Json = json;
            this.meta = meta;
            var warnings = new List<RpaWarning>();
            var told = RpaJson.At(meta, "/warnings") as List<object>;
            foreach (object warning in told ?? new List<object>())
            {
                warnings.Add(new RpaWarning(warning));
            }
            Warnings = warnings;
        }

        internal static RpaReply Unwrap(string text)
        {
            string reply = RpaJson.Member(text, "reply"), meta = RpaJson.Member(text, "meta");
            return reply == null || meta == null ? new RpaReply(text, null) : new RpaReply(reply, RpaJson.Parse(meta));
        }

        // Of a wait: its end, with its start beside it.
        internal RpaReply OfEnd()
        {
            string result = RpaJson.Member(Json, "result") ?? "null", end = RpaJson.Member(result, "reply");
            if (end == null)
            {
                return this;
            }
            string started = RpaJson.Member(result, "started");
            return new RpaReply(end, meta)
            {
                Started = started == null ? null : new RpaReply(started, null),
                ResumeText = Text("/result/resume")
            };
        }

        /// <summary>The JSON text, as the control center sent it.</summary>
        public string Json { get; private set; }

        /// <summary>Of <see cref="RpaClient.Run"/>: the reply to the start. Null otherwise.</summary>
        public RpaReply Started { get; private set; }

        /// <summary>Of <see cref="RpaClient.Run"/>: what goes on waiting, in this process or another one. With a
        /// timeout_ms of 0 in wait, which only starts, the reply itself is null.</summary>
        public string ResumeText { get; private set; }

        public IList<RpaWarning> Warnings { get; private set; }

        /// <summary>The reply as dictionaries, lists, texts, numbers (long, decimal, double), bools and nulls.</summary>
        public object Value
        {
            get
            {
                if (!isParsed)
                {
                    value = RpaJson.Parse(Json);
                    isParsed = true;
                }
                return value;
            }
        }

        /// <summary>The value at a JSON pointer such as "/result/jobNo"; null if there is none.</summary>
        public object At(string pointer)
        {
            return RpaJson.At(Value, pointer);
        }

        /// <summary>The text at a JSON pointer; of a number its digits. Null if there is none.</summary>
        public string Text(string pointer)
        {
            object found = At(pointer);
            return found is string || found == null ? (string)found : RpaJson.Write(found);
        }

        /// <summary>The reply's own "code"; null if it has none.</summary>
        public long? Code
        {
            get { return At("/code") as long?; }
        }

        public string Msg
        {
            get { return Text("/msg"); }
        }

        /// <summary>Whether the reply says success, which is "code": 0.</summary>
        public bool IsSuccess
        {
            get { return Code == 0; }
        }

        /// <summary>A fact of how the call went, by a JSON pointer: "/http_status", "/peer", "/ms/connect"; null without
        /// <see cref="RpaClient.Meta"/>.</summary>
        public object Fact(string pointer)
        {
            return RpaJson.At(meta, pointer);
        }

        public override string ToString()
        {
            return Json;
        }
    }

    /// <summary>What did no harm to a call and should be looked at.</summary>
    public class RpaWarning
    {
        internal RpaWarning(object told)
        {
            Kind = RpaJson.At(told, "/kind") as string;
            Chinese = RpaJson.At(told, "/zh") as string;
            English = RpaJson.At(told, "/en") as string;
        }

        /// <summary>clock, store, eviction, verify, certificate, repeated, log.</summary>
        public string Kind { get; private set; }

        public string Chinese { get; private set; }

        public string English { get; private set; }

        public override string ToString()
        {
            return Kind + ": " + Chinese + " (" + English + ")";
        }
    }

    public class RpaWarningEventArgs : EventArgs
    {
        internal RpaWarningEventArgs(RpaWarning warning)
        {
            Warning = warning;
        }

        public RpaWarning Warning { get; private set; }
    }

    /// <summary>What is wrong first, and whose turn it is.</summary>
    public class RpaDiagnosis
    {
        private RpaDiagnosis()
        {
        }

        internal static RpaDiagnosis Of(RpaReply reply)
        {
            Func<string, string> verdict = name => reply.Text("/result/verdict/" + name);
            return new RpaDiagnosis
            {
                Ok = reply.At("/result/verdict/ok") as bool? == true, Chinese = verdict("zh"), English = verdict("en"),
                Check = verdict("check"), Setting = verdict("setting"), Turn = verdict("turn"), Reply = reply
            };
        }

        public bool Ok { get; private set; }

        /// <summary>The verdict, one sentence.</summary>
        public string Chinese { get; private set; }

        /// <summary>The verdict, one sentence.</summary>
        public string English { get; private set; }

        /// <summary>The check that failed: settings, dns, route, tcp, proxy, tls, http, clock, store, token, signature; null
        /// if all is well.</summary>
        public string Check { get; private set; }

        /// <summary>The setting to change, such as "tls.ca_file"; null if none would help.</summary>
        public string Setting { get; private set; }

        /// <summary>Whose turn it is: you, network, control_center.</summary>
        public string Turn { get; private set; }

        /// <summary>All of it: library, machine, settings and each check.</summary>
        public RpaReply Reply { get; private set; }

        public override string ToString()
        {
            return Chinese + " (" + English + ")";
        }
    }

    /// <summary>What kind of failure it was; see the library's documentation for each.</summary>
    public enum RpaErrorKind
    {
        /// <summary>One that this file does not know: look at <see cref="RpaException.KindText"/>.</summary>
        Other,
        Argument,
        Mode,
        Dns,
        Connect,
        Proxy,
        Tls,
        Timeout,
        Disconnected,
        Redirect,
        Response,
        TooLarge,
        Internal
    }

    /// <summary>Whether the control center may have got the request.</summary>
    public enum RpaDelivered
    {
        /// <summary>It may have: look before the call is made again.</summary>
        Unknown,
        /// <summary>It cannot have, and calling again is safe.</summary>
        No,
        /// <summary>It answered.</summary>
        Yes
    }

    /// <summary>A call that the library could not bring to an end. A refusal by the control center is none: that is a
    /// reply.</summary>
    public class RpaException : Exception
    {
        private static readonly string[] Kinds = { "argument", "mode", "dns", "connect", "proxy", "tls", "timeout",
            "disconnected", "redirect", "response", "too_large", "internal" };

        private RpaException(RpaReply reply, object error)
            : base(reply.Msg + " (" + RpaJson.At(error, "/kind") + ": " + RpaJson.At(error, "/detail") + ")")
        {
            Reply = reply;
            Error = (Dictionary<string, object>)error;
        }

        // Null where the reply is the control center's own, which may have a field of that name as well.
        internal static RpaException In(RpaReply reply)
        {
            string error = RpaJson.Member(reply.Json, "error");
            object facts = error == null || error[0] != '{' ? null : RpaJson.Parse(error);
            bool isError = RpaJson.At(facts, "/kind") is string && RpaJson.At(facts, "/delivered") is string;
            return isError ? new RpaException(reply, facts) : null;
        }

        /// <summary>The whole reply, with its warnings.</summary>
        public RpaReply Reply { get; private set; }

        /// <summary>All facts of the failure by the library's names, also those that have no property here.</summary>
        public IDictionary<string, object> Error { get; private set; }

        public RpaErrorKind Kind
        {
            get { return (RpaErrorKind)(Array.IndexOf(Kinds, KindText) + 1); }
        }

        public string KindText
        {
            get { return Text("kind"); }
        }

        public RpaDelivered Delivered
        {
            get
            {
                string delivered = Text("delivered");
                return delivered == "no" ? RpaDelivered.No : delivered == "yes" ? RpaDelivered.Yes : RpaDelivered.Unknown;
            }
        }

        public long? Code { get { return Reply.Code; } }

        /// <summary>In Chinese, a few words that tell the next step.</summary>
        public string Msg { get { return Reply.Msg; } }

        /// <summary>In English, for a log or a search.</summary>
        public string Detail { get { return Text("detail"); } }

        /// <summary>The field of the request that is wrong.</summary>
        public string Field { get { return Text("field"); } }

        public long? HttpStatus { get { return Number("http_status"); } }

        public long? Attempts { get { return Number("attempts"); } }

        public long? ElapsedMs { get { return Number("elapsed_ms"); } }

        /// <summary>The call's id, by which it is found in a log.</summary>
        public string Id { get { return Text("id"); } }

        /// <summary>When the call began, in local time with its offset.</summary>
        public string Time { get { return Text("time"); } }

        public string Version { get { return Text("version"); } }

        public string Function { get { return Text("function"); } }

        /// <summary>scheme, host, port and path.</summary>
        public IDictionary<string, object> Target { get { return Object("target"); } }

        public string Peer { get { return Text("peer"); } }

        public string Proxy { get { return Text("proxy"); } }

        /// <summary>Where the proxy's address is set.</summary>
        public string ProxyFrom { get { return Text("proxy_from"); } }

        /// <summary>In which phase it failed.</summary>
        public string Phase { get { return Text("phase"); } }

        /// <summary>Milliseconds by phase: dns, connect, proxy, tls, send, wait, read.</summary>
        public IDictionary<string, object> Ms { get { return Object("ms"); } }

        /// <summary>In Chinese, the next step.</summary>
        public string Hint { get { return Text("hint"); } }

        public string Encoding { get { return Text("encoding"); } }

        /// <summary>What is known of the token that the library looks after.</summary>
        public IDictionary<string, object> Token { get { return Object("token"); } }

        /// <summary>Of <see cref="RpaClient.Run"/>: "start" or "wait".</summary>
        public string Part { get { return Text("part"); } }

        /// <summary>Of <see cref="RpaClient.Run"/> where the start has gone well: what goes on waiting.</summary>
        public string Resume { get { return Text("resume") ?? Reply.Text("/result/resume"); } }

        private string Text(string name)
        {
            return RpaJson.At(Error, "/" + name) as string;
        }

        private long? Number(string name)
        {
            return RpaJson.At(Error, "/" + name) as long?;
        }

        private IDictionary<string, object> Object(string name)
        {
            return RpaJson.At(Error, "/" + name) as IDictionary<string, object>;
        }
    }

    /// <summary>The little of JSON that is needed here, so that this file needs no package.</summary>
    public static class RpaJson
    {
        private const int Deepest = 500;

        /// <summary>A value as dictionaries, lists, texts, numbers (long, decimal, double), bools and nulls.</summary>
        public static object Parse(string json)
        {
            int at = AfterSpace(json, 0);
            object value = Parse(json, ref at, 0);
            if (AfterSpace(json, at) != json.Length)
            {
                throw Unexpected(json, at);
            }
            return value;
        }

        /// <summary>The value at a JSON pointer such as "/result/list/0/name"; null if there is none.</summary>
        public static object At(object value, string pointer)
        {
            string[] names = pointer.Split('/');
            for (int i = 1; i < names.Length && value != null; i++)
            {
                string name = names[i].Replace("~1", "/").Replace("~0", "~");
                var members = value as IDictionary<string, object>;
                var items = value as IList<object>;
                int index;
                if (members != null)
                {
                    members.TryGetValue(name, out value);
                }
                else if (items != null && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out index))
                {
                    value = index < items.Count ? items[index] : null;
                }
                else
                {
                    value = null;
                }
            }
            return value;
        }

        /// <summary>A JSON text of dictionaries, lists, texts, numbers, bools, nulls, and objects with properties.</summary>
        public static string Write(object value)
        {
            var json = new StringBuilder();
            Write(json, value, 0);
            return json.ToString();
        }

        // The members of a dictionary, or the properties of an object.
        internal static IEnumerable<KeyValuePair<string, object>> Members(object value)
        {
            var typed = value as IEnumerable<KeyValuePair<string, object>>;
            if (typed != null)
            {
                return typed;
            }
            var members = new List<KeyValuePair<string, object>>();
            var dictionary = value as IDictionary;
            if (dictionary != null)
            {
                foreach (DictionaryEntry entry in dictionary)
                {
                    members.Add(new KeyValuePair<string, object>(Convert.ToString(entry.Key, CultureInfo.InvariantCulture), entry.Value));
                }
                return members;
            }
            Type type = value.GetType();
            // A date, an address or a stream is no set of fields.
            if (value is IEnumerable || (type.Namespace ?? "").Split('.')[0] == "System")
            {
                throw new ArgumentException("A " + type + " is no JSON; write it as a text or a number.");
            }
            foreach (PropertyInfo property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            {
                if (property.CanRead && property.GetIndexParameters().Length == 0)
                {
                    members.Add(new KeyValuePair<string, object>(property.Name, property.GetValue(value, null)));
                }
            }
            return members;
        }

        private static void Write(StringBuilder json, object value, int depth)
        {
            if (depth > Deepest)
            {
                throw new ArgumentException("The value is nested too deeply for JSON, or holds itself.");
            }
            if (value == null)
            {
                json.Append("null");
            }
            else if (value is string || value is char || value is Enum || value is Guid)
            {
                WriteText(json, value.ToString());
            }
            else if (value is bool)
            {
                json.Append((bool)value ? "true" : "false");
            }
            else if (value is double || value is float)
            {
                string number = ((IFormattable)value).ToString("R", CultureInfo.InvariantCulture);
                if (number.IndexOfAny("Ny".ToCharArray()) >= 0) // NaN, Infinity
                {
                    throw new ArgumentException("JSON has no " + number + ".");
                }
                json.Append(number);
            }
            else if (value is decimal || value.GetType().IsPrimitive && !(value is IntPtr) && !(value is UIntPtr))
            {
                json.Append(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
            }
            else if (value is IEnumerable && !(value is IDictionary) && !(value is IEnumerable<KeyValuePair<string, object>>))
            {
                string separator = "[";
                foreach (object item in (IEnumerable)value)
                {
                    json.Append(separator);
                    Write(json, item, depth + 1);
                    separator = ",";
                }
                json.Append(separator == "[" ? "[]" : "]");
            }
            else
            {
                string separator = "{";
                foreach (KeyValuePair<string, object> member in Members(value))
                {
                    json.Append(separator);
                    WriteText(json, member.Key);
                    json.Append(':');
                    Write(json, member.Value, depth + 1);
                    separator = ",";
                }
                json.Append(separator == "{" ? "{}" : "}");
            }
        }

        private static void WriteText(StringBuilder json, string text)
        {
            json.Append('"');
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
            json.Append('"');
        }

        private static object Parse(string json, ref int at, int depth)
        {
            if (depth > Deepest)
            {
                throw new FormatException("The JSON is nested too deeply.");
            }
            char first = at < json.Length ? json[at] : '\0';
            if (first == '{' || first == '[')
            {
                var members = first == '{' ? new Dictionary<string, object>() : null;
                var items = first == '[' ? new List<object>() : null;
                char close = first == '{' ? '}' : ']';
                at = AfterSpace(json, at + 1);
                if (at < json.Length && json[at] == close)
                {
                    at++;
                    return (object)members ?? items;
                }
                while (true)
                {
                    string name = null;
                    if (members != null)
                    {
                        name = ParseText(json, ref at);
                        at = AfterSpace(json, at);
                        Expect(json, ref at, ':');
                    }
                    object value = Parse(json, ref at, depth + 1);
                    if (members != null)
                    {
                        members[name] = value; // the last of a name counts
                    }
                    else
                    {
                        items.Add(value);
                    }
                    at = AfterSpace(json, at);
                    if (at < json.Length && json[at] == close)
                    {
                        at++;
                        return (object)members ?? items;
                    }
                    Expect(json, ref at, ',');
                }
            }
            if (first == '"')
            {
                return ParseText(json, ref at);
            }
            int end = json.IndexOfAny(",]} \t\r\n".ToCharArray(), at);
            string word = json.Substring(at, (end < 0 ? json.Length : end) - at);
            object result = word == "true" ? true : word == "false" ? false : word == "null" ? null : ParseNumber(json, at, word);
            at += word.Length;
            return result;
        }

        private static object ParseNumber(string json, int at, string word)
        {
            const NumberStyles Whole = NumberStyles.AllowLeadingSign, Point = Whole | NumberStyles.AllowDecimalPoint;
            CultureInfo plain = CultureInfo.InvariantCulture;
            long whole;
            decimal exact;
            double close;
            if (long.TryParse(word, Whole, plain, out whole))
            {
                return whole;
            }
            // With more digits than a decimal keeps, it is a double.
            if (word.Length <= 28 && decimal.TryParse(word, Point, plain, out exact))
            {
                return exact;
            }
            bool isNumber = word.Length > 0 && (word[0] == '-' || char.IsDigit(word[0])) && char.IsDigit(word[word.Length - 1])
                && word.Trim("0123456789+-.eE".ToCharArray()).Length == 0;
            if (isNumber && double.TryParse(word, NumberStyles.Float, plain, out close))
            {
                return close;
            }
            if (isNumber && word.IndexOfAny("eE".ToCharArray()) > 0) // beyond what a double holds
            {
                return word[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            }
            throw Unexpected(json, at);
        }

        private static string ParseText(string json, ref int at)
        {
            Expect(json, ref at, '"', false);
            int begin = at;
            var text = new StringBuilder();
            while (true)
            {
                int end = json.IndexOfAny("\"\\".ToCharArray(), begin);
                if (end < 0 || json[end] == '\\' && end + 1 >= json.Length)
                {
                    throw Unexpected(json, json.Length);
                }
                text.Append(json, begin, end - begin);
                if (json[end] == '"')
                {
                    at = end + 1;
                    return text.ToString();
                }
                int escape = "\"\\/bfnrt".IndexOf(json[end + 1]);
                int code;
                if (escape >= 0)
                {
                    text.Append("\"\\/\b\f\n\r\t"[escape]);
                    begin = end + 2;
                }
                else if (json[end + 1] == 'u' && end + 6 <= json.Length && int.TryParse(json.Substring(end + 2, 4),
                    NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code))
                {
                    // The two halves of a surrogate pair come one after the other, as C# has them, too.
                    text.Append((char)code);
                    begin = end + 6;
                }
                else
                {
                    throw Unexpected(json, end);
                }
            }
        }

        // The value of an object's member as it stands; null if this is no object, or has no such member. It walks, and does
        // not step down, so that no depth is too deep.
        internal static string Member(string json, string name)
        {
            int at = AfterSpace(json, 0);
            if (at >= json.Length || json[at] != '{')
            {
                return null;
            }
            for (at = AfterSpace(json, at + 1); at < json.Length && json[at] == '"'; at = AfterSpace(json, at + 1))
            {
                string key = ParseText(json, ref at);
                at = AfterSpace(json, at);
                Expect(json, ref at, ':');
                int end = AfterValue(json, at);
                if (key == name)
                {
                    return json.Substring(at, end - at);
                }
                at = AfterSpace(json, end);
            }
            return null;
        }

        private static int AfterValue(string json, int at)
        {
            int depth = 0;
            do
            {
                char here = at < json.Length ? json[at] : '\0';
                if (here == '"')
                {
                    ParseText(json, ref at);
                }
                else if (here == '{' || here == '[')
                {
                    depth++;
                    at++;
                }
                else if (here == '}' || here == ']')
                {
                    depth--;
                    at++;
                }
                else
                {
                    // A number, true, false, null; within an object or array also what stands between the values.
                    int end = at < json.Length ? json.IndexOfAny((depth > 0 ? "\"{}[]" : ",]} \t\r\n").ToCharArray(), at) : -1;
                    if (end < 0 && depth > 0)
                    {
                        throw Unexpected(json, json.Length);
                    }
                    at = end < 0 ? json.Length : end;
                }
            }
            while (depth > 0);
            return at;
        }

        private static int AfterSpace(string json, int at)
        {
            while (at < json.Length && " \t\r\n".IndexOf(json[at]) >= 0)
            {
                at++;
            }
            return at;
        }

        private static void Expect(string json, ref int at, char wanted, bool skipSpace = true)
        {
            if (at >= json.Length || json[at] != wanted)
            {
                throw Unexpected(json, at);
            }
            at = skipSpace ? AfterSpace(json, at + 1) : at + 1;
        }

        private static FormatException Unexpected(string json, int at)
        {
            return new FormatException("This is no JSON at character " + Math.Min(at, json.Length) + " of " + json.Length + ".");
        }
    }
}
