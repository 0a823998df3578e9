/** What the package gives: a change here is a change for its users. */

import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const entry = (name: string) => fileURLToPath(new URL(`../lib/${name}`, import.meta.url));
const ENTRIES = { ".": entry("index.ts"), "./react": entry("react/index.ts") };

const program = ts.createProgram(Object.values(ENTRIES), {
  allowImportingTsExtensions: true,
  jsx: ts.JsxEmit.ReactJSX,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  noEmit: true,
  strict: true,
  types: [],
});
const checker = program.getTypeChecker();

interface Exported {
  readonly symbol: ts.Symbol;
  readonly typeOnly: boolean;
}

/** What a file exports, re-exports followed to where they come from. */
function exported(file: string): Exported[] {
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`no module: ${file}`);
  return checker.getExportsOfModule(module).map((symbol) => ({
    symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    typeOnly: symbol.declarations?.some(ts.isTypeOnlyExportDeclaration) ?? false,
  }));
}

const values = (file: string) =>
  exported(file)
    .filter(({ symbol, typeOnly }) => !typeOnly && symbol.flags & ts.SymbolFlags.Value)
    .map(({ symbol }) => symbol.name)
    .sort();

test("these are the functions, classes and constants that it gives", () => {
  expect(values(ENTRIES["."])).toEqual([
    "INITIAL",
    "PROTOCOL",
    "Past",
    "RequestError",
    "SUBPROTOCOL",
    "VERSION",
    "agentKey",
    "browserRim",
    "decodeFrame",
    "missionControl",
    "overall",
    "phase",
    "reduce",
    "serverOffset",
    "timeline",
    "withQuery",
  ]);
  expect(values(ENTRIES["./react"])).toEqual([
    "MissionControlProvider",
    "useConversation",
    "useMission",
    "useNow",
    "usePaced",
    "useServerNow",
    "useSession",
  ]);
});

test.each(Object.entries(ENTRIES))("everything that %s gives says what it is", (_, file) => {
  const silent = exported(file).filter(({ symbol }) => symbol.getDocumentationComment(checker).length === 0);
  expect(silent.map(({ symbol }) => symbol.name)).toEqual([]);
});
