import { isIP } from 'node:net';
import type { Placeholders } from './normalise/placeholders.js';

/** What texts of a service may hold that identifies an account, a machine or a moment. The order counts: the longest first. */
const PATTERNS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
	[/arn:[a-z\d-]+:[^\s"',)]+/g, '<arn>'],
	[/https?:\/\/[^\s"'<>)]+/g, '<url>'],
	[/\b[\w.-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws|amazon\.com|amazonwebservices\.com\.cn)\b/g, '<host>'],
	[/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '<id>'],
	[/\b[0-9a-f]{64}\b/gi, '<hash>'],
	[/\b(?:A[A-Z]IA|AROA|AIDA)[A-Z0-9]{12,}\b/g, '<access key>'],
	[/\b[0-9]{40,50}\b/g, '<fragment number>'],
	[/\b20\d{6}T\d{6}Z?\b/g, '<time>'],
	[/\b20\d\d-\d\d-\d\dT[\d:.]+Z?\b/g, '<time>'],
	[/\b20\d{6}\b/g, '<date>'],
	[/\b1\d{12}\b/g, '<milliseconds>'],
	[/\b\d(?:\.\d+)?E\d+\b/g, '<seconds>'],
	[/\b1\d{9}(?:\.\d+)?\b/g, '<seconds>'],
	[/\b\d{12}\b/g, '<account>'],
	// Tokens: base64 in either alphabet, with a digit, as no word of a language has one.
	[/(?<![\w+/=~-])(?=[\w+/-]*\d)[A-Za-z0-9+/_-]{24,}[=~]*/g, '<token>'],
];

/** What an address may be, of either version; punctuation after it is not a part of it. */
export const MAYBE_ADDRESS = /[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?<!:)|\d{1,3}(?:\.\d{1,3}){3}/gi;

/** The longest text that is kept. */
const MAX_LENGTH = 300;

/** A text of a response without what identifies an account, a stream, a machine, a moment or a session. */
export function scrubText(text: string, { sample, saved }: Placeholders): string {
	let scrubbed = text;
	const known: readonly (readonly [value: string, replacement: string])[] = [
		[sample.arn, '{arn}'],
		...sample.fragments.map(({ number }, index) => [number, `{fragment:${index}}`] as const),
		...[...saved.values()]
			.filter((value) => value.length >= MIN_SAVED_LENGTH)
			.map((value) => [value, '<saved>'] as const),
	];
	for (const [value, replacement] of known) scrubbed = scrubbed.replaceAll(value, replacement);
	for (const [value, replacement] of [
		[sample.scratch, '{scratch}'],
		[sample.stream, '{stream}'],
	] as const) {
		scrubbed = scrubbed.replace(wholeWord(value), replacement);
	}
	scrubbed = scrubbed.replace(MAYBE_ADDRESS, (word) => (isIP(word) === 0 ? word : '<address>'));
	for (const [pattern, replacement] of PATTERNS) scrubbed = scrubbed.replace(pattern, replacement);
	return scrubbed.length <= MAX_LENGTH ? scrubbed : `${scrubbed.slice(0, MAX_LENGTH)}…`;
}

/** Shorter ones are words, not secrets. */
const MIN_SAVED_LENGTH = 16;

/** Matches a stream's name where it stands for itself, and not as a part of a longer word or of a placeholder. */
export function wholeWord(name: string): RegExp {
	const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	return new RegExp(`(?<![\\w.{-])${escaped}(?![\\w}-])(?!\\.\\w)`, 'g');
}
