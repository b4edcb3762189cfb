// GitHub's published description: what requests and answers are held to, and what answers are made from.

import { createRequire } from "node:module";

export class Description {
  static async load(parts, name) {
    const load = createRequire(`${parts}/`);
    const { OpenAPIBackend } = load("openapi-backend");
    const formats = load("ajv-formats").default;
    const definition = load(`./${name}.json`);
    const api = new OpenAPIBackend({
      definition: structuredClone(definition),
      // the file is ours: no second look at it as a document
      quick: true,
      coerceTypes: true,
      ajvOpts: { allErrors: true, logger: false },
      customizeAjv: (ajv) => formats(ajv) && ajv,
    });
    await api.init();
    const Ajv = load("ajv").default;
    const ajv = new Ajv({ strict: false, logger: false });
    formats(ajv);
    ajv.addSchema({ $id: "d", ...definition });
    return Object.assign(new Description(), { api, definition, ajv });
  }

  /** The operation of a request, its parameters decoded, and what is wrong with it. */
  match(request) {
    const operation = this.api.matchOperation(request);
    if (!operation) return { violations: [`${request.method} ${request.path} is not among what is served`] };
    const { valid, errors, coerced } = this.api.validateRequest(request, operation);
    const { params, query } = this.api.router.parseRequest(request, operation);
    return { operation, params, query: coerced?.query ?? query ?? {}, violations: valid ? [] : told(errors) };
  }

  /** What is wrong with an answer. Errors that an operation does not describe are held to the general ones. */
  wrong(operation, status, body) {
    const described = operation?.responses?.[status];
    if (!described && status < 400) return [`${operation.operationId} does not answer ${status}`];
    // some refusals are described by their number alone
    if (!described?.content && status >= 400) return this.fits(status === 422 ? "validation-error" : "basic-error", body);
    if (!described.content) return body === undefined ? [] : [`${operation.operationId} answers ${status} without a body`];
    const { valid, errors } = this.api.validateResponse(body, operation, status);
    return valid ? [] : told(errors);
  }

  fits(schema, body) {
    const ref = `d#/components/schemas/${schema}`;
    return this.ajv.validate({ $ref: ref }, body) ? [] : told(this.ajv.errors);
  }

  /** An object with all that the schema requires, made up where `known` does not say. */
  shaped(name, known) {
    return this.made(this.definition.components.schemas[name], name, known);
  }

  made(schema, name, known = {}) {
    const object = {};
    for (const key of schema.required ?? []) {
      if (!(key in known)) object[key] = this.value(schema.properties[key], key);
    }
    return Object.assign(object, known);
  }

  value(schema, key) {
    if (schema.$ref) return this.value(this.definition.components.schemas[schema.$ref.split("/").pop()], key);
    if (schema.anyOf?.some((way) => way.type === "null")) return null;
    const way = schema.oneOf?.[0] ?? schema.anyOf?.[0] ?? schema.allOf?.[0];
    if (way) return this.value(way, key);
    if (schema.enum) return schema.enum[0];
    switch (schema.type) {
      case "object": return this.made(schema, key);
      case "array": return [];
      case "integer":
      case "number": return 0;
      case "boolean": return false;
      default:
        if (schema.format === "date-time") return "2026-01-01T00:00:00Z";
        return schema.format === "uri" || key.endsWith("url") ? `https://github.com/made-up/${key}` : "";
    }
  }
}

const told = (errors) => errors.map(({ instancePath, message, params }) =>
  `${instancePath || "/"} ${message}${params?.additionalProperty ? `: ${params.additionalProperty}` : ""}`);
