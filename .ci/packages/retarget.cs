// Makes an assembly that was compiled against .NET Framework one of netstandard2.0, and the same bytes each time:
//
//     retarget.exe IN.dll OUT.dll [netstandard.dll]
//
// Debian's compiler has no reference assembly of netstandard, only Mono's netstandard.dll, which forwards each of its types
// to where Mono has it; compiled against that, an assembly would name Mono's. So the names are changed afterwards, and
// each type that is used must be one that netstandard.dll has. Without a third argument the names stay.
using System;
using System.Collections.Generic;
using System.Linq;
using Mono.Cecil;

internal static class Retarget
{
    private static int Main(string[] arguments)
    {
        ModuleDefinition module = ModuleDefinition.ReadModule(arguments[0]);
        if (arguments.Length > 2)
        {
            ToNetstandard(module, ModuleDefinition.ReadModule(arguments[2]));
        }
        // What the compiler draws by lot: an id of the module, and the time.
        module.Write(arguments[1], new WriterParameters { Timestamp = 0, DeterministicMvid = true });
        return 0;
    }

    private static void ToNetstandard(ModuleDefinition module, ModuleDefinition standard)
    {
        var known = new HashSet<string>(standard.ExportedTypes.Select(type => type.FullName));
        string[] unknown = module.GetTypeReferences().Select(type => type.FullName).Where(name => !known.Contains(name)).ToArray();
        if (known.Count < 2000 || unknown.Length > 0)
        {
            throw new Exception("netstandard 2.0 lacks: " + string.Join(", ", unknown));
        }
        var reference = new AssemblyNameReference("netstandard", new Version(2, 0, 0, 0))
        {
            PublicKeyToken = standard.Assembly.Name.PublicKeyToken
        };
        module.AssemblyReferences.Clear();
        module.AssemblyReferences.Add(reference);
        foreach (TypeReference type in module.GetTypeReferences().Where(type => type.DeclaringType == null))
        {
            type.Scope = reference;
        }
        foreach (CustomAttribute attribute in module.Assembly.CustomAttributes.ToArray())
        {
            if (attribute.AttributeType.Name == "TargetFrameworkAttribute")
            {
                attribute.ConstructorArguments[0] =
                    new CustomAttributeArgument(module.TypeSystem.String, ".NETStandard,Version=v2.0");
                attribute.Properties.Clear();
            }
        }
    }
}
