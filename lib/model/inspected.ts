/** The symbol by which `console.log` and `util.inspect` ask an object for its text, in Node and without importing it. */
export const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** `util.inspect` as it is handed to a method named by {@link INSPECT}. */
export type Inspect = (value: unknown, options: object) => string;

/** The text of an object for {@link INSPECT}: the name of its class, and what it knows, getters too. */
export function inspected(name: string, fields: object, options: object, inspect: Inspect): string {
	return `${name} ${inspect(fields, options)}`;
}
