import { scrubText } from '../scrub-text.js';
import type { Normalised } from './normalised-response.js';
import type { Placeholders } from './placeholders.js';

/** Members whose values are words of the API, and the same for everyone. */
const WORDS = new Set(['__type', 'code', 'Status', 'Error', 'ErrorCode', 'EventType', 'DefaultStorageTier']);

/** An enumeration's value, or an exception's name. */
const WORD = /^(?:[A-Z][A-Z_]{1,60}|[A-Za-z.#]{1,100})$/;

/** Numbers that are the same for everyone. */
const NUMBERS = new Set(['ErrorId']);

/** A member of the API. Others may be a stream's own, such as the keys of its tags. */
const MEMBER = /^(?:__type|[A-Za-z]{1,60})$/;

/** Maps whose keys are the customer's. */
const MAPS = new Set(['Tags']);

/** A JSON value of a response as its shape: what is equal in archives that behave the same stays, all else is a name in `<>`. */
export function normaliseJson(value: unknown, placeholders: Placeholders, member = ''): Normalised {
	if (value === null || typeof value === 'boolean') return value;
	if (typeof value === 'number') return NUMBERS.has(member) || value < 0 ? value : '<number>';
	if (typeof value === 'string') return normaliseText(value, placeholders, member);
	if (Array.isArray(value)) return normaliseList(value.map((item) => normaliseJson(item, placeholders)));
	const entries = Object.entries(value as object);
	if (MAPS.has(member)) return `<a map of ${entries.length}>`;
	return Object.fromEntries(
		entries.map(([name, item]) => [
			MEMBER.test(name) && scrubText(name, placeholders) === name ? name : '<member>',
			normaliseJson(item, placeholders, name),
		]),
	);
}

/** A list of equal items as one of them and their number: its order is no matter of theirs then. */
function normaliseList(items: readonly Normalised[]): Normalised {
	const [first] = items;
	const texts = new Set(items.map((item) => JSON.stringify(item)));
	return first !== undefined && texts.size === 1 ? { [`${items.length} of`]: first } : items;
}

function normaliseText(text: string, placeholders: Placeholders, member: string): Normalised {
	const { sample } = placeholders;
	if (text === '') return '';
	if (member === 'StreamName')
		return text === sample.stream ? '{stream}' : text === sample.scratch ? '{scratch}' : '<name>';
	if (member === 'StreamARN' || member === 'ResourceARN') return text === sample.arn ? '{arn}' : '<arn>';
	if (member === 'FragmentNumber') return '<fragment number>';
	if (member === 'Message' || member === 'message') return scrubText(text, placeholders);
	if (member === 'ImageContent') return imageName(text);
	if (member.endsWith('Token')) return `<token of ${tokenAlphabet(text)}>`;
	if (/^https?:/.test(text)) return urlShape(text);
	return WORDS.has(member) && WORD.test(text) ? scrubText(text, placeholders) : '<text>';
}

function imageName(base64: string): string {
	if (base64.startsWith('/9j/')) return '<JPEG>';
	return base64.startsWith('iVBORw0KGgo') ? '<PNG>' : '<bytes>';
}

function tokenAlphabet(text: string): string {
	if (/^[A-Za-z0-9+/]+=*$/.test(text)) return 'base64';
	return /^[\w~.-]+$/.test(text) ? 'URL-safe characters' : 'other characters';
}

/** A URL as path and names of its parameters. Its host is an account's own. */
export function urlShape(text: string): string {
	const { pathname, searchParams } = new URL(text);
	const names = [...searchParams.keys()].map((name) => `${name}=<${name}>`);
	return `<host>${pathname === '/' ? '' : pathname}${names.length === 0 ? '' : `?${names.join('&')}`}`;
}
