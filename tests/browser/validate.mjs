// Validates the OpenAPI document on standard input against the OpenAPI Initiative's schema
// for version 3.1, and the schemas in the document, which that leaves open, against JSON
// Schema's.
import { json } from "node:stream/consumers";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";

const document = await json(process.stdin);
const validator = new Validator();
const { valid, errors } = await validator.validate(document);
const faults = valid ? [] : [errors].flat();
if (validator.version !== "3.1") faults.push(`version ${document.openapi} instead of 3.1`);

const ajv = new Ajv2020();
const check = (value, key, parent) => {
  if (value === null || typeof value !== "object") return;
  const isSchema = key === "schema" || parent === document.components?.schemas;
  if (isSchema && !ajv.validateSchema(value)) faults.push(key, ...ajv.errors);
  for (const [name, inner] of Object.entries(value)) check(inner, name, value);
};
check(document);

for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
