// Longer than 300 lines: the table of what a hostile service sends.

/* A service that is broken, or means harm: whatever it sends, a call ends, within memory, and says what is wrong. */
import { gzipSync } from 'node:zlib';
import test from 'ava';
import type { Fragment, KvsArchive, TimeRange } from 'kvs-archive';
import { fragmentNumber } from './helpers/media/payload.js';
import { startMs } from './helpers/media/range.js';
import {
	type Behaviours,
	documentOf,
	endlessHead,
	listed,
	sendByteByByte,
	sendEndless,
	sendJson,
	startHostileService,
	thousandFrames,
	thousandTags,
} from './helpers/service/hostile-service.js';
import { openArchive } from './helpers/service/open-archive.js';
import { StandstillClock } from './helpers/standstill-clock.js';
import { within } from './helpers/wait.js';

const range: TimeRange = { from: new Date(startMs), to: new Date(startMs + 60_000) };
const year: TimeRange = { from: range.from, to: new Date(startMs + 365 * 86_400_000) };

type Run = (archive: KvsArchive) => Promise<unknown>;

const list =
	(of: TimeRange): Run =>
	async (archive) => {
		const numbers: string[] = [];
		for await (const { fragmentNumber: number } of archive.fragments(of) as AsyncIterable<Fragment>) {
			numbers.push(number);
		}
		return numbers;
	};

/** What came of each fragment. */
const read: Run = async (archive) => {
	const outcomes: string[] = [];
	for await (const event of archive.events(range)) {
		if (event.type === 'fragment-failure') outcomes.push(event.name);
		else if (event.type === 'fragment-end' && event.complete) outcomes.push('complete');
	}
	return outcomes;
};

async function drain(items: AsyncIterable<unknown>): Promise<void> {
	for await (const _ of items);
}

interface Hostility {
	readonly does: Behaviours;
	/** @default a listing of a minute */
	readonly run?: Run;
	/** The error it ends with, or what comes of it all the same. */
	readonly ends: { readonly code: string; readonly message: RegExp } | readonly string[];
}

const MIB = 1024 * 1024;
const spaces = Buffer.alloc(MIB, ' ');
const failed = (message: RegExp): Hostility['ends'] => ({ code: 'KVS_REQUEST_FAILED', message });
const unreachable = (message: RegExp): Hostility['ends'] => ({ code: 'KVS_UNREACHABLE', message });
const [firstFragment, tenthFragment] = [0, 9].map((index) =>
	Buffer.concat(Array.from({ length: 200 }, () => documentOf(index))),
) as [Buffer, Buffer];
const three = [1, 2, 3].map(fragmentNumber);

/** A listing with one fragment, in which some members are others. */
const with1 = (members: object): Behaviours => ({
	listFragments: ({ response }) => sendJson(response, { Fragments: [listed(0, members)] }),
});

/** A body for every listing, as it is. */
const listing = (body: object | string, status?: number): Behaviours => ({
	listFragments: ({ response }) => sendJson(response, body, status),
});

const endpoint = (DataEndpoint: unknown): Behaviours => ({
	getDataEndpoint: ({ response }) => sendJson(response, { DataEndpoint }),
});

const media = (does: NonNullable<Behaviours['getMediaForFragmentList']>): Behaviours => ({
	getMediaForFragmentList: does,
});

const hostilities: Readonly<Record<string, Hostility>> = {
	'sends JSON without end': {
		does: { listFragments: ({ response }) => sendEndless(response, spaces, () => spaces) },
		ends: failed(/at most 16777216 bytes of JSON, got more/),
	},
	'announces a terabyte of JSON': {
		does: {
			listFragments: ({ response }) => {
				response.writeHead(200, { 'content-length': String(2 ** 40) });
				sendEndless(response, spaces, () => spaces);
			},
		},
		ends: failed(/at most 16777216 bytes of JSON, got more/),
	},
	'reports an error without end': {
		does: {
			listFragments: ({ response }) => {
				response.writeHead(400);
				sendEndless(response, spaces, () => spaces);
			},
		},
		ends: failed(/at most 16777216 bytes of JSON, got more/),
	},
	'sends less than it announces': {
		does: {
			listFragments: ({ response }) => {
				response.writeHead(200, { 'content-length': '1000' });
				response.write('{"Fragments":[]}', () => response.destroy());
			},
		},
		ends: failed(/aborted/),
	},
	'sends more than it announces': {
		does: {
			listFragments: ({ response }) => {
				response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{"Fragments":[]}');
			},
		},
		ends: failed(/failed with 200/),
	},
	'compresses what it sends': {
		does: {
			listFragments: ({ response }) => {
				response.writeHead(200, { 'content-encoding': 'gzip' });
				response.end(gzipSync('{"Fragments":[]}'));
			},
		},
		ends: failed(/content-encoding, got `gzip`/),
	},
	'sends a web page': { does: listing('<html>Sign in</html>'), ends: failed(/a JSON object, got `<html>/) },
	'sends a list': { does: listing('[]'), ends: failed(/a JSON object, got `\[\]`/) },
	'sends null': { does: listing('null'), ends: failed(/a JSON object, got `null`/) },
	'nests without end': {
		does: listing(`{"Fragments":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
		ends: failed(/ListFragments/),
	},
	'sends a number as fragment number': {
		does: with1({ FragmentNumber: 5 }),
		ends: failed(/ListFragments .* `Fragments\[0\]\.FragmentNumber` to be 1 to 128 digits, got 5/),
	},
	'sends no fragment number': {
		does: with1({ FragmentNumber: null }),
		ends: failed(/`Fragments\[0\]\.FragmentNumber` .* got nothing/),
	},
	'sends a text as size': {
		does: with1({ FragmentSizeInBytes: '12' }),
		ends: failed(/`Fragments\[0\]\.FragmentSizeInBytes` .* got '12'/),
	},
	'sends a length below 0': {
		does: with1({ FragmentLengthInMilliseconds: -1 }),
		ends: failed(/`Fragments\[0\]\.FragmentLengthInMilliseconds` .* got -1/),
	},
	'sends a date as time': {
		does: with1({ ServerTimestamp: '2026-01-31T00:00:00Z' }),
		ends: failed(/`Fragments\[0\]\.ServerTimestamp` .* got '2026-01-31T00:00:00Z'/),
	},
	'sends a time that no date has': {
		does: with1({ ProducerTimestamp: 1e300 }),
		ends: failed(/`Fragments\[0\]\.ProducerTimestamp` .* got Invalid Date/),
	},
	'sends an object as list': {
		does: listing({ Fragments: { a: 1 } }),
		ends: failed(/`Fragments` to be a list, got \{ a: 1 \}/),
	},
	'lists null': {
		does: listing({ Fragments: [listed(0), null] }),
		ends: failed(/`Fragments\[1\]` to be an object, got null/),
	},
	'sends a number as token': {
		does: listing({ Fragments: [], NextToken: 5 }),
		ends: failed(/`NextToken` .* got 5/),
	},
	'sends a token of a mebibyte': {
		does: listing({ Fragments: [], NextToken: 'A'.repeat(MIB) }),
		ends: failed(/`NextToken` .* got 'A{100}'\.\.\. /),
	},
	'throttles with a web page': {
		does: listing('<html>Slow down</html>', 429),
		ends: { code: 'KVS_THROTTLED', message: /was throttled/ },
	},
	'throttles with nothing': { does: listing('', 429), ends: { code: 'KVS_THROTTLED', message: /throttled/ } },
	'throttles with an error of another name': {
		does: listing({ __type: 'BusyException', message: 'busy' }, 429),
		ends: { code: 'KVS_THROTTLED', message: /BusyException: busy/ },
	},
	'is unreachable, as a proxy says': {
		does: listing('<html>Bad gateway</html>', 502),
		ends: failed(/with 502/),
	},
	redirects: {
		does: {
			listFragments: ({ response }) => {
				response.writeHead(301, { location: 'http://127.0.0.1:1/' });
				response.end();
			},
		},
		ends: failed(/with 301/),
	},
	'says a mebibyte of words in many lines': {
		does: listing({ __type: 'InvalidArgumentException', message: 'a\n'.repeat(MIB / 2) }, 400),
		ends: failed(/^.{100,900}$/),
	},
	'sends headers without end': {
		does: {
			listFragments: ({ response }) => {
				response.writeHead(200, { filler: 'a'.repeat(64 * 1024) });
				response.end('{}');
			},
		},
		ends: unreachable(/Header overflow/),
	},
	'does not speak HTTP': {
		does: { listFragments: ({ response }) => void response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n') },
		ends: unreachable(/HPE_INVALID_CONSTANT/),
	},
	'hangs up': {
		does: { listFragments: ({ response }) => void response.destroy() },
		ends: unreachable(/hang up/),
	},
	'does not respond': {
		does: { listFragments: ({ clock }) => setImmediate(() => clock.advance(60_000)) },
		ends: unreachable(/within 60000 ms/),
	},
	'sends JSON by a byte a second': {
		does: { listFragments: ({ response, clock }) => sendByteByByte(response, clock) },
		ends: unreachable(/within 60000 ms/),
	},
	'gives the same token for ever': {
		does: listing({ Fragments: [], NextToken: 'again' }),
		ends: failed(/the same NextToken again and again/),
	},
	'gives another token for ever': {
		does: {
			listFragments: ({ response, nth }) => sendJson(response, { Fragments: [], NextToken: `${nth}` }),
		},
		ends: failed(/101 pages in a row without a new fragment/),
	},
	'lists the same fragment on every page': {
		does: {
			listFragments: ({ response, nth }) =>
				sendJson(response, { Fragments: [listed(0)], NextToken: `${nth % 2}` }),
		},
		ends: failed(/101 pages in a row without a new fragment/),
	},
	'lists all fragments whatever it is asked for': { does: {}, run: list(year), ends: three },
	'lists only what it was not asked for': { does: with1({ ServerTimestamp: 1 }), run: list(year), ends: [] },
	'lists the same fragment in every window': {
		does: {
			listFragments: ({ response, members }) => {
				const { FragmentSelector } = members as {
					FragmentSelector: { TimestampRange: { StartTimestamp: number } };
				};
				const { StartTimestamp: ServerTimestamp } = FragmentSelector.TimestampRange;
				sendJson(response, { Fragments: [listed(0, { ServerTimestamp })] });
			},
		},
		run: list(year),
		ends: [fragmentNumber(1)],
	},
	'names a file as data endpoint': {
		does: endpoint('file:///etc/passwd'),
		ends: failed(/GetDataEndpoint .* `DataEndpoint` to be an http or https URL, got 'file:/),
	},
	'names a script as data endpoint': {
		does: endpoint('javascript:alert(1)'),
		ends: failed(/got 'javascript:/),
	},
	'names a number as data endpoint': { does: endpoint(5), ends: failed(/`DataEndpoint` .* got 5/) },
	'names no data endpoint': { does: endpoint(null), ends: failed(/`DataEndpoint` .* got nothing/) },
	'sends data endpoints without end': {
		does: { getDataEndpoint: ({ response }) => sendEndless(response, spaces, () => spaces) },
		ends: failed(/GetDataEndpoint .* at most 16777216 bytes/),
	},
	'sends frames without end': {
		does: media(({ response }) => sendEndless(response, endlessHead(), () => thousandFrames)),
		run: read,
		ends: ['MALFORMED', 'MISSING', 'MISSING'],
	},
	'sends tags without end': {
		does: media(({ response }) => sendEndless(response, endlessHead(), () => thousandTags)),
		run: read,
		ends: ['MALFORMED', 'MISSING', 'MISSING'],
	},
	'sends the same fragment without end': {
		does: media(({ response }) => sendEndless(response, documentOf(0), () => firstFragment)),
		run: read,
		ends: ['complete', 'MISSING', 'MISSING'],
	},
	'sends fragments without end that were not requested': {
		does: media(({ response }) => sendEndless(response, documentOf(8), () => tenthFragment)),
		run: read,
		ends: ['MISSING', 'MISSING', 'MISSING'],
	},
	'sends media by a byte a second': {
		does: media(({ response, clock }) => {
			response.write(documentOf(0));
			sendByteByByte(response, clock);
		}),
		run: read,
		ends: ['TRUNCATED', 'MISSING', 'MISSING'],
	},
	'sends a web page as media': {
		does: media(({ response }) => void response.end('<html>Sign in</html>')),
		run: read,
		ends: ['MISSING', 'MISSING', 'MISSING'],
	},
	'throttles media with a web page': {
		does: media(({ response }) => sendJson(response, '<html>Slow down</html>', 429)),
		run: read,
		ends: { code: 'KVS_THROTTLED', message: /GetMediaForFragmentList .* was throttled/ },
	},
	'reports an error of media without end': {
		does: media(({ response }) => {
			response.writeHead(500);
			sendEndless(response, spaces, () => spaces);
		}),
		run: read,
		ends: failed(/GetMediaForFragmentList .* at most 16777216 bytes/),
	},
	'opens a playback session that is a script': {
		does: {
			getHLSStreamingSessionURL: ({ response }) =>
				sendJson(response, { HLSStreamingSessionURL: 'javascript:alert(1)' }),
		},
		run: (archive) => archive.hlsSession({ mode: 'live' }),
		ends: failed(/`HLSStreamingSessionURL` to be an http or https URL, got 'javascript:/),
	},
	'pages through nothing without end': {
		does: { getImages: ({ response, nth }) => sendJson(response, { Images: [], NextToken: `${nth}` }) },
		run: (archive) => drain(archive.paginate('GetImages').items()),
		ends: failed(/101 empty pages in a row/),
	},
	'pages through what is not a list': {
		does: { listFragments: ({ response }) => sendJson(response, { Fragments: 'all of them' }) },
		run: (archive) => drain(archive.paginate('ListFragments').items()),
		ends: failed(/`Fragments` to be a list, got 'all of them'/),
	},
};

/** The most that is ever read of a service that sends without end: a cap for each of five attempts. */
const MAX_SENT_BYTES = 5 * 24 * MIB;

for (const [what, { does, run = list(range), ends }] of Object.entries(hostilities)) {
	test.serial(`a service that ${what}`, async (t) => {
		const clock = new StandstillClock(startMs + 3_600_000);
		const service = await startHostileService(t, does, clock);
		const archive = openArchive(t, service.endpoint, { clock });
		const outcome = await within(
			run(archive).catch((error: unknown) => error),
			() => `${service.requests()} requests, ${service.sentBytes()} bytes sent, ${clock.pending} waits`,
		);
		if (Array.isArray(ends)) t.deepEqual(outcome, [...ends]);
		else {
			const { code, message } = ends as Exclude<Hostility['ends'], readonly string[]>;
			t.like(outcome, { name: 'RequestError', code });
			t.regex((outcome as Error).message, message);
		}
		t.true(service.sentBytes() < MAX_SENT_BYTES, `${service.sentBytes()} bytes were sent`);
		t.true(service.requests() < 300, `${service.requests()} requests`);
	});
}
