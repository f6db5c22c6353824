// Calls the OpenAPI of an RPA control center (iS-RPA, 2020.4 and later) through the shared library rpa_openapi.
//
// .NET Framework 4.6.1 and later, .NET 6 and later, Mono. C# 5, no packages. Everything here may be used from any
// number of threads at once.
//
//     string reply = RpaOpenApi.Call("{\"host\": \"https://10.0.0.5:8443\", ...}");
//
// The library goes beside the program:
//
//     Windows  x64\rpa_openapi.dll and x86\rpa_openapi.dll: the one that fits the process is loaded, so that a program
//              built for AnyCPU runs as either. Without these folders rpa_openapi.dll beside the program is taken,
//              which must then fit.
//     Linux    librpa_openapi.so

using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

/// <summary>
/// JSON text in, JSON text out. What goes wrong in a call is in the reply, which is never null and always JSON, also where
/// the library is missing, does not fit the process or is too old: then error.kind is "internal" and error.delivered "no".
/// <see cref="ArgumentException"/> is thrown for a text that holds NUL, and <see cref="DllNotFoundException"/> by Version
/// where there is no library to ask.
/// </summary>
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

    /// <summary>The version of the library, such as "1.2.3".</summary>
    public static string Version
    {
        // Static in the library, and never freed.
        get { return Loaded(() => Text(Native.rpa_version())); }
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

        // What the function would have replied, had the library been there to say so.
        internal string Reply(string function)
        {
            bool isCall = function == "rpa_call" || function == "rpa_sign";
            string begin = isCall ? "fail,\u610f\u5916\u60c5\u51b5:" : function == "rpa_get_token"
                ? "fail,\u83b7\u53d6token\u5931\u8d25:" : "fail,\u5237\u65b0token\u5931\u8d25:";
            return "{\"code\":" + (isCall ? 40 : 44) + ",\"msg\":\"" + begin + cause + "\",\"result\":null,\"error\":"
                + "{\"kind\":\"internal\",\"detail\":\"" + detail.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\",\"field\":null,"
                + "\"http_status\":null,\"attempts\":0,\"delivered\":\"no\",\"elapsed_ms\":0}}";
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
        internal static extern void rpa_free(IntPtr reply);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr rpa_version();

        [DllImport("kernel32", CharSet = CharSet.Unicode, SetLastError = true, ExactSpelling = true)]
        internal static extern IntPtr LoadLibraryW(string path);
    }
}
