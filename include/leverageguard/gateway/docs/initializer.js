// Swagger UI 4 shows OpenAPI 3.0: what 3.1 says otherwise is put in its words before it is shown.
const inWordsOf30 = (node) => {
  if (Array.isArray(node)) return node.map(inWordsOf30);
  if (node === null || typeof node !== "object") return node;
  const made = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, inWordsOf30(value)]));
  const others = (made.anyOf ?? []).filter((one) => one.type !== "null");
  if (made.anyOf && others.length < made.anyOf.length) {
    delete made.anyOf;
    Object.assign(made, others.length === 1 ? others[0] : { anyOf: others }, { nullable: true });
  }
  if (Array.isArray(made.examples) && made.example === undefined) {
    made.example = made.examples[0];
    delete made.examples;
  }
  if ("const" in made) made.enum = [made.const];
  return made;
};

const spec = await (await fetch("../openapi.json")).json();
window.ui = SwaggerUIBundle({
  spec: { ...inWordsOf30(spec), openapi: "3.0.3" },
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
