import { isIP } from 'node:net';
import type { Sample } from './normalise/placeholders.js';
import type { ConformanceRecord } from './record.js';
import { MAYBE_ADDRESS, wholeWord } from './scrub-text.js';
import type { Signer } from './signed-request.js';

/** What must not stand in a record. */
export interface Secrets {
	readonly signer: Signer;
	readonly sample: Sample;
	/** Hosts that requests went to. */
	readonly hosts: readonly string[];
}

/** Of these only the record itself would have to know: they are looked for in everything that came from an archive. */
const FORBIDDEN: Readonly<Record<string, RegExp>> = {
	'an access key': /\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/,
	'an account': /(?<![\da-f])\d{12}(?![\da-f])/,
	'an ARN': /\barn:aws[\w-]*:/,
	'a host': /\b[\w-]+\.(?:amazonaws|api\.aws|amazonwebservices)\b/,
	'a fragment number': /(?<!\d)\d{40,}(?!\d)/,
	'a request id': /\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/i,
	'a URL': /\bhttps?:\/\/(?!www\.w3\.org\/)/,
	'a token': /(?<![\w+/=~-])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[A-Za-z0-9+/_-]{40,}/,
};

/**
 * Throws where a record has anything in it that identifies an account, its stream or its credentials. A second line: what
 * normalises responses keeps such things out, and this finds what it may have missed. Names what was found, and not its value.
 */
export function assertRedacted({ probes }: ConformanceRecord, { signer, sample, hosts }: Secrets): void {
	const exact: readonly (readonly [what: string, value: string])[] = [
		['the access key', signer.accessKeyId],
		['the secret key', signer.secretAccessKey],
		['the session token', signer.sessionToken ?? ''],
		['the ARN', sample.arn],
		['the account', sample.arn.split(':')[4] ?? ''],
		...hosts.map((host) => ['a host', host] as const),
		...sample.fragments.map(({ number }) => ['a fragment number', number] as const),
	];
	for (const { name, steps } of probes) {
		for (const { response } of steps) {
			for (const text of textsOf(response)) {
				const found =
					exact.find(([, value]) => value.length >= MIN_SECRET_LENGTH && text.includes(value))?.[0] ??
					Object.entries(FORBIDDEN).find(([, pattern]) => pattern.test(text))?.[0] ??
					((text.match(MAYBE_ADDRESS) ?? []).some((word) => isIP(word) !== 0)
						? 'an IP address'
						: undefined) ??
					([sample.stream, sample.scratch].some(
						(stream) => isDistinct(stream) && wholeWord(stream).test(text),
					)
						? "a stream's name"
						: undefined);
				if (found !== undefined)
					throw new Error(`the record of the probe ${name} has ${found} in it: it is not written`);
			}
		}
	}
}

/** Shorter ones, such as the credentials and the account of a local archive, are words that any message may have. */
const MIN_SECRET_LENGTH = 8;

/** A stream called `stream` looks like the service's own words. */
function isDistinct(stream: string): boolean {
	return !/^[a-z]{1,12}$/i.test(stream);
}

function* textsOf(value: unknown): Generator<string> {
	if (typeof value === 'string') yield value;
	else if (Array.isArray(value)) for (const item of value) yield* textsOf(item);
	else if (typeof value === 'object' && value !== null) {
		for (const [name, item] of Object.entries(value)) {
			yield name;
			// Of a body of media.
			if (name !== 'sha256') yield* textsOf(item);
		}
	}
}
