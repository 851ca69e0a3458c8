// Compiles src/, test/ and bench/ and writes artifacts/*.json, artifacts/{test,bench}/*.json.
//
//   node compile.mjs [--check] [--node-modules PATH]
//
// --check writes nothing and exits 1 when a committed artefact differs from what compiles now.
// --node-modules is the folder with solc and OpenZeppelin (default: the repository's tools folder,
// else node_modules here). Sources carry virtual names, so the bytecode does not depend on it.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = dirname(fileURLToPath(import.meta.url));
const TOOLS = join(HERE, "..", "..", ".tools", "npm", "node_modules");
const SETTINGS = {
  optimizer: { enabled: true, runs: 10_000 },
  viaIR: true,
  evmVersion: "cancun", // transient storage; understood by the local chain and the large rollups
  outputSelection: {
    "*": { "*": ["abi", "metadata", "evm.bytecode.object", "evm.deployedBytecode.object"] },
  },
};

// Where the artefacts of a source folder go.
const FOLDERS = { src: "artifacts", test: "artifacts/test", bench: "artifacts/bench" };

class Failure extends Error {}

function findNodeModules(given) {
  const folder = given ? resolve(given) : existsSync(TOOLS) ? TOOLS : join(HERE, "node_modules");
  const wanted = JSON.parse(readFileSync(join(HERE, "package.json"))).devDependencies;
  for (const [name, version] of Object.entries(wanted)) {
    const manifest = join(folder, name, "package.json");
    if (!existsSync(manifest)) {
      throw new Failure(`${name} is not in ${folder}: run npm ci, or pass --node-modules PATH`);
    }
    const found = JSON.parse(readFileSync(manifest)).version;
    if (found !== version) throw new Failure(`${name} is ${found}, package.json asks for ${version}`);
  }
  return folder;
}

function readSources(folder) {
  const names = readdirSync(join(HERE, folder)).filter((name) => name.endsWith(".sol")).sort();
  return Object.fromEntries(
    names.map((name) => [`${folder}/${name}`, { content: readFileSync(join(HERE, folder, name), "utf8") }]),
  );
}

function compile(nodeModules, sources) {
  const solc = createRequire(import.meta.url)(join(nodeModules, "solc"));
  const readImport = (name) => {
    const path = join(nodeModules, name);
    return existsSync(path) ? { contents: readFileSync(path, "utf8") } : { error: `no ${name}` };
  };
  const input = { language: "Solidity", sources, settings: SETTINGS };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
  // Warnings in our own sources stop the build; the libraries' are theirs.
  const messages = (output.errors ?? []).filter(
    ({ severity, sourceLocation }) => severity === "error" || sourceLocation?.file in sources,
  );
  if (messages.length > 0) {
    throw new Failure(messages.map((message) => message.formattedMessage).join("\n"));
  }
  return { output, version: solc.version(), readImport };
}

function artifactOf(contractName, contract, { version, readImport }, own) {
  const names = Object.keys(JSON.parse(contract.metadata).sources).sort();
  const hash = (name) =>
    createHash("sha256").update(own[name]?.content ?? readImport(name).contents).digest("hex");
  const { optimizer, viaIR, evmVersion } = SETTINGS;
  return {
    contractName,
    abi: contract.abi,
    bytecode: `0x${contract.evm.bytecode.object}`,
    deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
    compiler: { name: "solc", version, settings: { optimizer, viaIR, evmVersion } },
    sources: Object.fromEntries(names.map((name) => [name, hash(name)])),
  };
}

function buildAll(nodeModules) {
  const sources = Object.assign({}, ...Object.keys(FOLDERS).map(readSources));
  const build = compile(nodeModules, sources);
  const files = new Map();
  for (const [source, contracts] of Object.entries(build.output.contracts)) {
    if (!(source in sources)) continue;
    for (const [name, contract] of Object.entries(contracts)) {
      if (contract.evm.bytecode.object === "") continue; // interfaces
      const folder = FOLDERS[dirname(source)];
      const artifact = artifactOf(name, contract, build, sources);
      files.set(join(folder, `${name}.json`), JSON.stringify(artifact, null, 1) + "\n");
    }
  }
  return files;
}

function committed() {
  return Object.values(FOLDERS).flatMap((folder) =>
    existsSync(join(HERE, folder))
      ? readdirSync(join(HERE, folder)).filter((name) => name.endsWith(".json")).map((name) => join(folder, name))
      : [],
  );
}

function check(files) {
  const differs = [...files].filter(
    ([path, text]) => !existsSync(join(HERE, path)) || readFileSync(join(HERE, path), "utf8") !== text,
  );
  const stale = [...differs.map(([path]) => path), ...committed().filter((path) => !files.has(path))];
  if (stale.length > 0) {
    throw new Failure(`these artefacts do not match the sources, run compile.mjs: ${stale.join(", ")}`);
  }
}

function write(files) {
  for (const folder of Object.values(FOLDERS)) mkdirSync(join(HERE, folder), { recursive: true });
  for (const [path, text] of files) writeFileSync(join(HERE, path), text);
}

try {
  const { values } = parseArgs({
    options: { check: { type: "boolean" }, "node-modules": { type: "string" } },
  });
  const files = buildAll(findNodeModules(values["node-modules"]));
  (values.check ? check : write)(files);
  console.log(`${files.size} artefacts ${values.check ? "match their sources" : "written"}`);
} catch (error) {
  console.error(error instanceof Failure ? error.message : error);
  process.exit(1);
}
