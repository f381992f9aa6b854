import { scrubText } from '../scrub-text.js';
import type { RawResponse } from '../signed-request.js';
import { mediaStructure } from './media-structure.js';
import { normaliseJson } from './normalise-json.js';
import { normaliseManifest, normalisePlaylist } from './normalise-playlist.js';
import type { Normalised, NormalisedResponse } from './normalised-response.js';
import type { Placeholders } from './placeholders.js';

/** Headers whose values are compared; of the others only the names are noted. */
const COMPARED = new Set([
	'content-type',
	'x-amzn-errortype',
	'x-amz-errortype',
	'x-amzn-requestid',
	'x-amz-requestid',
	'access-control-allow-origin',
	'cache-control',
]);

/** Those of any HTTP server. */
const OF_HTTP = new Set([
	'date',
	'connection',
	'keep-alive',
	'content-length',
	'transfer-encoding',
	'server',
]);

/** A response without what differs between archives that behave the same. `chunks`: as many of media are looked at. */
export function normaliseResponse(
	{ status, headers, body, isComplete }: RawResponse,
	placeholders: Placeholders,
	chunks?: number,
): NormalisedResponse {
	const json = parseJson(body);
	const normalisedHeaders = normaliseHeaders(headers, placeholders);
	const notes: Record<string, Normalised> = {
		'other headers': Object.keys(headers)
			.filter((name) => !COMPARED.has(name) && !OF_HTTP.has(name))
			.map((name) => name.replace(/[^a-z-]/g, '?'))
			.toSorted(),
		...(isComplete || chunks !== undefined ? {} : { 'broke off': true }),
	};
	if (status < 400) {
		const media = body.byteLength >= 8 ? mediaStructure(body, placeholders, chunks) : null;
		return {
			status,
			headers: normalisedHeaders,
			error: null,
			message: null,
			errorMembers: null,
			body: media?.body ?? normaliseBody(body, json, placeholders),
			notes: { ...notes, ...media?.notes, ...orderOf(json, placeholders) },
		};
	}
	const members = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
	const named =
		headers['x-amzn-errortype'] ?? headers['x-amz-errortype'] ?? members['__type'] ?? members['code'];
	const message = members['Message'] ?? members['message'];
	return {
		status,
		headers: normalisedHeaders,
		error:
			typeof named === 'string' ? scrubText(/[\w.]+(?=$|[:,])/.exec(named)?.[0] ?? named, placeholders) : '',
		message: scrubText(typeof message === 'string' ? message : body.toString(), placeholders),
		errorMembers: Object.keys(members).map((name) => (/^\w{1,30}$/.test(name) ? name : '<member>')),
		body: null,
		notes,
	};
}

function normaliseHeaders(
	headers: Readonly<Record<string, string>>,
	placeholders: Placeholders,
): Record<string, string> {
	const entries = Object.entries(headers)
		.filter(([name]) => COMPARED.has(name))
		.map(([name, value]): [string, string] => {
			if (name.endsWith('requestid')) return [name, '<id>'];
			if (name.endsWith('errortype')) return [name, /:/.test(value) ? '<name>:<url>' : '<name>'];
			if (name === 'cache-control') return [name, value.replace(/\d+/g, '<number>')];
			return [name, scrubText(value, placeholders)];
		});
	const length = headers['content-length'] === undefined ? 'none' : 'given';
	return Object.fromEntries(
		[...entries, ['content-length', length] as const].toSorted(([a], [b]) => (a < b ? -1 : 1)),
	);
}

function normaliseBody(body: Buffer, json: unknown, placeholders: Placeholders): Normalised {
	if (body.byteLength === 0) return '';
	if (json !== undefined && !isAcknowledgement(json)) return normaliseJson(json, placeholders);
	const text = body.toString();
	if (text.startsWith('#EXTM3U')) return normalisePlaylist(text, placeholders);
	if (/<MPD[\s>]/.test(text)) return normaliseManifest(text, placeholders);
	const acks = text.split('\n').filter((line) => line !== '');
	const parsed = acks.map((line) => parseJson(Buffer.from(line)));
	if (parsed.every((ack) => typeof ack === 'object' && ack !== null)) {
		return { acknowledgements: acknowledgementsByFragment(parsed as readonly object[], placeholders) };
	}
	return scrubText(text, placeholders);
}

function isAcknowledgement(json: unknown): boolean {
	return typeof json === 'object' && json !== null && 'EventType' in json;
}

/** In the order of their fragments: when each comes differs from one time to the next. */
function acknowledgementsByFragment(acks: readonly object[], placeholders: Placeholders): Normalised[] {
	const numbers = new Set(acks.map(fragmentOf));
	return [...numbers].map((number) =>
		acks.filter((ack) => fragmentOf(ack) === number).map((ack) => normaliseJson(ack, placeholders)),
	);
}

function fragmentOf(ack: object): unknown {
	return 'FragmentNumber' in ack ? ack.FragmentNumber : null;
}

function parseJson(body: Buffer): unknown {
	if (body.byteLength === 0 || !/^\s*[[{"]/.test(body.toString('latin1', 0, 16))) return undefined;
	try {
		return JSON.parse(body.toString());
	} catch {
		return undefined;
	}
}

/** The order of a listing, which the service leaves open. */
function orderOf(json: unknown, placeholders: Placeholders): Record<string, Normalised> {
	const { Fragments: fragments } = (json ?? {}) as { Fragments?: unknown };
	if (!Array.isArray(fragments)) return {};
	const numbers = fragments.map(({ FragmentNumber }) => String(FragmentNumber));
	return {
		count: numbers.length,
		order: numbers.map((number) => placeholders.nameOfFragment(number) ?? '<other>'),
	};
}
