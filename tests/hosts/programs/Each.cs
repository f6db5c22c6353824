// Asks each function once.
using IsRpa.OpenApi;

internal static class Each
{
    private static void Main()
    {
        var standardOutput = new System.IO.StreamWriter(System.Console.OpenStandardOutput());
        foreach (var function in new System.Func<string, string>[]
            { RpaOpenApi.Call, RpaOpenApi.Sign, RpaOpenApi.GetToken, RpaOpenApi.RefreshToken })
        {
            standardOutput.WriteLine(function("{}"));
        }
        standardOutput.Flush();
    }
}
