import { invalidArgument, type ServiceError } from '../wire/service-error.js';

/** A value that Python prints as text and this reads again. */
export type PythonValue = string | number | boolean | null | PythonValue[] | { [name: string]: PythonValue };

/** As deep as values may be nested; the service's requests have three levels. */
const MAX_DEPTH = 16;

const NUMBER_PATTERN = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/iy;
const WORD_PATTERN = /[A-Za-z]+/y;
const SPACE_PATTERN = /\s*/y;
const words: ReadonlyMap<string, boolean | null> = new Map([
	['True', true],
	['False', false],
	['None', null],
	['true', true],
	['false', false],
	['null', null],
]);
const escapes: ReadonlyMap<string, string> = new Map([
	['b', '\b'],
	['f', '\f'],
	['n', '\n'],
	['r', '\r'],
	['t', '\t'],
	['\\', '\\'],
	["'", "'"],
	['"', '"'],
	['/', '/'],
]);

/**
 * Reads what `repr` of Python prints of dicts with text keys, lists, texts, numbers, `True`, `False` and `None`; JSON
 * too. boto3's `generate_presigned_url` puts nested members into the query so. Throws `InvalidArgumentException`.
 */
export function parsePythonLiteral(text: string): PythonValue {
	return new LiteralReader(text).readAll();
}

class LiteralReader {
	readonly #text: string;
	#position = 0;

	constructor(text: string) {
		this.#text = text;
	}

	readAll(): PythonValue {
		const value = this.#value(0);
		this.#match(SPACE_PATTERN);
		if (this.#position < this.#text.length) throw this.#wrong('nothing more');
		return value;
	}

	#value(depth: number): PythonValue {
		if (depth > MAX_DEPTH) throw this.#wrong(`at most ${MAX_DEPTH} levels`);
		this.#match(SPACE_PATTERN);
		const first = this.#text[this.#position];
		if (first === '{') return Object.fromEntries(this.#list('{', '}', () => this.#member(depth)));
		if (first === '[') return this.#list('[', ']', () => this.#value(depth + 1));
		if (first === "'" || first === '"') return this.#string(first);
		const number = this.#match(NUMBER_PATTERN);
		if (number !== '') return Number(number);
		const word = words.get(this.#match(WORD_PATTERN));
		if (word === undefined) throw this.#wrong('a value');
		return word;
	}

	#member(depth: number): [string, PythonValue] {
		this.#match(SPACE_PATTERN);
		const quote = this.#text[this.#position];
		if (quote !== "'" && quote !== '"') throw this.#wrong('a name in quotes');
		const name = this.#string(quote);
		this.#take(':');
		return [name, this.#value(depth + 1)];
	}

	#list<Item>(open: string, close: string, readItem: () => Item): Item[] {
		const items: Item[] = [];
		this.#take(open);
		if (this.#has(close)) return items;
		do items.push(readItem());
		while (this.#has(','));
		this.#take(close);
		return items;
	}

	#string(quote: string): string {
		this.#take(quote);
		let value = '';
		for (;;) {
			const character = this.#text[this.#position++];
			if (character === undefined) throw this.#wrong('the end of a string');
			if (character === quote) return value;
			value += character === '\\' ? this.#escape() : character;
		}
	}

	#escape(): string {
		const letter = this.#text[this.#position++] ?? '';
		const plain = escapes.get(letter);
		if (plain !== undefined) return plain;
		const length = new Map([
			['x', 2],
			['u', 4],
			['U', 8],
		]).get(letter);
		const digits = this.#text.slice(this.#position, this.#position + (length ?? 0));
		const codePoint = Number.parseInt(digits, 16);
		const isCodePoint = /^[0-9a-f]+$/i.test(digits) && digits.length === length && codePoint <= 0x10ffff;
		if (!isCodePoint) throw this.#wrong('an escape');
		this.#position += digits.length;
		return String.fromCodePoint(codePoint);
	}

	/** Skips spaces and the character that must come next. */
	#take(character: string): void {
		if (!this.#has(character)) throw this.#wrong(`\`${character}\``);
	}

	#has(character: string): boolean {
		this.#match(SPACE_PATTERN);
		if (this.#text[this.#position] !== character) return false;
		this.#position++;
		return true;
	}

	#match(pattern: RegExp): string {
		pattern.lastIndex = this.#position;
		const match = pattern.exec(this.#text)?.[0] ?? '';
		this.#position += match.length;
		return match;
	}

	#wrong(expected: string): ServiceError {
		return invalidArgument(
			`expected ${expected} at character ${this.#position} of a nested member in the query`,
		);
	}
}
