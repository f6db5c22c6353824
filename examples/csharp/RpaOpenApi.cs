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
/// JSON text in, JSON text out. What goes wrong in a call is in the reply, which is never null and always JSON. An
/// exception tells that there was no call: <see cref="ArgumentException"/> for a text that holds NUL,
/// <see cref="DllNotFoundException"/> where the library is missing or does not fit the process.
/// </summary>
public static class RpaOpenApi
{
    /// <summary>Gets an access token and a refresh token for an access key and a secret key.</summary>
    public static string GetToken(string request)
    {
        return Ask(Native.rpa_get_token, request);
    }

    /// <summary>Trades a refresh token for new tokens.</summary>
    public static string RefreshToken(string request)
    {
        return Ask(Native.rpa_refresh_token, request);
    }

    /// <summary>Signs one API call, sends it and returns the reply.</summary>
    public static string Call(string request)
    {
        return Ask(Native.rpa_call, request);
    }

    /// <summary>Signs the same request as Call and does not send it. The reply holds the token.</summary>
    public static string Sign(string request)
    {
        return Ask(Native.rpa_sign, request);
    }

    /// <summary>The version of the library, such as "1.2.3".</summary>
    public static string Version
    {
        // Static in the library, and never freed.
        get { return Loaded(() => Text(Native.rpa_version())); }
    }

    private static string Ask(Func<byte[], IntPtr> function, string request)
    {
        byte[] bytes = Bytes(request);
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
            throw NotLoaded(error);
        }
        catch (BadImageFormatException error)
        {
            throw NotLoaded(error);
        }
    }

    private static DllNotFoundException NotLoaded(Exception error)
    {
        string bits = "This process is " + IntPtr.Size * 8 + "-bit. ";
        string tried = Tried.Length > 0 ? "Tried: " + Tried + "then the system's own search. " : "";
        string message = "The library rpa_openapi cannot be loaded. " + bits + tried + error.Message;
        return new DllNotFoundException(message, error);
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
