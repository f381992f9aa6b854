import { MAX_TIME_MS } from '../../model/max-time.js';
import { invalidArgument, type ServiceError } from './service-error.js';

/** The bounds of a string member, as the service's model gives them. */
export interface StringBounds {
	/** @default 1 */
	readonly minLength?: number;
	readonly maxLength: number;
	/** What the whole string must match. */
	readonly pattern: RegExp;
}

/** The bounds of a whole number, both included. */
export interface IntegerBounds {
	readonly min: number;
	readonly max: number;
}

/**
 * The members of a request, each read with its bounds; the SDKs check next to none of them. What is wrong is thrown as an
 * `InvalidArgumentException` that names the member. A member of null is absent, and unknown members are ignored.
 */
export class RequestFields {
	readonly #members: Readonly<Record<string, unknown>>;
	readonly #path: string;

	constructor(members: object, path = '') {
		this.#members = members as Record<string, unknown>;
		this.#path = path;
	}

	/** A string, or undefined where it is absent. */
	string(name: string, bounds: StringBounds): string | undefined {
		const value = this.#member(name);
		return value === undefined ? undefined : this.#checkString(name, value, bounds);
	}

	/** A required string. */
	requiredString(name: string, bounds: StringBounds): string {
		return this.#checkString(name, this.#member(name), bounds);
	}

	/** A whole number, or undefined where it is absent. */
	integer(name: string, { min, max }: IntegerBounds): number | undefined {
		const value = this.#member(name);
		if (value === undefined) return undefined;
		if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
			throw this.#wrong(name, `a whole number from ${min} to ${max}`, value);
		}
		return value;
	}

	/** A required whole number. */
	requiredInteger(name: string, bounds: IntegerBounds): number {
		const value = this.integer(name, bounds);
		if (value === undefined) throw this.#wrong(name, 'a whole number', value);
		return value;
	}

	/** A moment, epoch seconds on the wire, as whole milliseconds; undefined where it is absent. */
	optionalTimeMs(name: string): number | undefined {
		return this.#member(name) === undefined ? undefined : this.timeMs(name);
	}

	/** A required moment, epoch seconds on the wire, as whole milliseconds. */
	timeMs(name: string): number {
		const value = this.#member(name);
		// A product of doubles misses the millisecond by a rounding error: 1577156925.312 × 1000 is 1577156925311.9999.
		const timeMs = typeof value === 'number' ? Math.round(value * 1000) : Number.NaN;
		if (!(Math.abs(timeMs) <= MAX_TIME_MS)) throw this.#wrong(name, 'a time in epoch seconds', value);
		return timeMs;
	}

	/** A member that is one of `values`, or undefined where it is absent. */
	optionalOneOf<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
		return this.#member(name) === undefined ? undefined : this.oneOf(name, values);
	}

	/** A required member that is one of `values`. */
	oneOf<Value extends string>(name: string, values: readonly Value[]): Value {
		const value = this.#member(name);
		const found = values.find((candidate) => candidate === value);
		if (found === undefined) throw this.#wrong(name, `one of ${values.join(', ')}`, value);
		return found;
	}

	/** The members of an object, or undefined where it is absent. */
	object(name: string): RequestFields | undefined {
		const value = this.#member(name);
		if (value === undefined) return undefined;
		if (typeof value !== 'object' || Array.isArray(value)) throw this.#wrong(name, 'an object', value);
		return new RequestFields(value as object, `${this.#path}${name}.`);
	}

	/** The members of an object that must be there. */
	requiredObject(name: string): RequestFields {
		const fields = this.object(name);
		if (fields === undefined) throw this.#wrong(name, 'an object', undefined);
		return fields;
	}

	/** An object that maps texts to texts, or undefined where it is absent. A value of null is an empty text. */
	map(
		name: string,
		{ min, max }: IntegerBounds,
		{ key, value }: { readonly key: StringBounds; readonly value: StringBounds },
	): ReadonlyMap<string, string> | undefined {
		const object = this.#member(name);
		if (object === undefined) return undefined;
		const entries =
			typeof object === 'object' && !Array.isArray(object) ? Object.entries(object as object) : [];
		if (entries.length < min || entries.length > max) {
			throw this.#wrong(
				name,
				`a map of ${min} to ${max}`,
				entries.length === 0 ? object : `${entries.length}`,
			);
		}
		return new Map(
			entries.map(([entry, text]) => [
				this.#checkString(`a key of ${name}`, entry, key),
				this.#checkString(`${name}.${entry}`, text ?? '', value),
			]),
		);
	}

	/** A required list of strings. */
	strings(name: string, length: IntegerBounds, bounds: StringBounds): string[] {
		return this.list(name, length).map((value, index) =>
			this.#checkString(`${name}[${index}]`, value, bounds),
		);
	}

	/** A required list, of any members. */
	list(name: string, { min, max }: IntegerBounds): readonly unknown[] {
		const value = this.#member(name);
		if (!Array.isArray(value) || value.length < min || value.length > max) {
			const got = Array.isArray(value) ? `${value.length}` : value;
			throw this.#wrong(name, `a list of ${min} to ${max}`, got);
		}
		return value;
	}

	#checkString(name: string, value: unknown, { minLength = 1, maxLength, pattern }: StringBounds): string {
		if (typeof value !== 'string') throw this.#wrong(name, 'a string', value);
		if (value.length < minLength || value.length > maxLength) {
			throw this.#wrong(name, `${minLength} to ${maxLength} characters long`, value);
		}
		if (!pattern.test(value)) throw this.#wrong(name, `a match of ${pattern.source}`, value);
		return value;
	}

	#member(name: string): unknown {
		return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined;
	}

	#wrong(name: string, expected: string, got: unknown): ServiceError {
		return invalidArgument(`expected ${this.#path}${name} to be ${expected}, got ${show(got)}`);
	}
}

/** The part of an invalid value that a message repeats. */
const MAX_SHOWN_LENGTH = 80;

function show(value: unknown): string {
	if (value === undefined) return 'nothing';
	const text = JSON.stringify(value);
	return text.length <= MAX_SHOWN_LENGTH ? text : `${text.slice(0, MAX_SHOWN_LENGTH)}…`;
}
