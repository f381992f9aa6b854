// Longer than 300 lines: a test for each fault, against one export without any.

/* An export through each fault that the local archive can make: as without it, or with what it lacks by name. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { type ExportSummary, KvsArchive } from 'kvs-archive';
import type { FaultRule } from 'kvs-archive/server';
import { fragmentDocument, fragmentNumber } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { unlimited } from '../helpers/service/unlimited.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { temporaryDirectory } from '../helpers/tools.js';

const STEP_MS = 2000;

/** Enough for three requests of media: of 10, 40 and 10 fragments. */
const FRAGMENTS = 60;
const FRAMES = 4;
const numbers = Array.from({ length: FRAGMENTS }, (_, index) => fragmentNumber(index + 1));
const victim = numbers[16] as string;

/** The third fragment of each request, and the last, which those that continue it name too. */
const thirds = [2, 12, 52].map((index) => numbers[index] as string);
const lasts = [9, 49, 59].map((index) => numbers[index] as string);

const range = between(0, FRAGMENTS * STEP_MS);

/** Longer than a body is waited for; a response is for two of them, and a batch that brings nothing for four. */
const TOO_LONG_MS = 31_000;
const TURNS = 100;

const documents = numbers.map((number, index) =>
	fragmentDocument({
		number,
		producerMs: startMs + index * STEP_MS,
		blocks: Array.from({ length: FRAMES }, (_, frame) => ({
			trackNumber: 1,
			relativeTicks: (frame * STEP_MS) / FRAMES,
			keyframe: frame === 0,
			data: Buffer.alloc(100 + ((index * 37 + frame * 11) % 300), `${index}/${frame} `),
		})),
	}),
);

interface Exported {
	readonly bytes: Buffer;
	readonly summary: ExportSummary;
	/** Rules whose faults were made, by their position. */
	readonly made: ReadonlySet<number>;
}

/** Exports these fragments through a server that makes these faults. What stands still is given up without waiting. */
async function exported(
	t: ExecutionContext,
	kept: readonly string[],
	faults: readonly FaultRule[] = [],
): Promise<Exported> {
	const clock = new StandstillClock(startMs);
	const open = new Set<number>();
	const made = new Set<number>();
	const goOnUntilOver = async (id: number): Promise<void> => {
		while (open.has(id)) {
			for (let turn = 0; turn < TURNS; turn++) await setImmediate();
			if (open.has(id)) clock.advance(TOO_LONG_MS);
		}
	};
	const media = Buffer.concat(documents.filter((_, index) => kept.includes(numbers[index] as string)));
	const archive = await startArchive(
		t,
		{ door: media },
		{
			faults,
			onRequest: ({ id, faults: applied }) => {
				open.add(id);
				for (const { rule } of applied) made.add(rule);
				const standsStill = applied.some(({ rule }) => {
					const { fault, ms } = faults[rule] as { fault: string; ms?: number };
					return (fault === 'stall' || fault === 'no-response') && ms === undefined;
				});
				if (standsStill) void goOnUntilOver(id);
			},
			onResponseEnd: ({ request }) => open.delete(request.id),
		},
	);
	const { endpoint } = archive;
	await using kvs = new KvsArchive({ streamName: 'door', endpoint, limiter: unlimited, clock });
	const file = join(await temporaryDirectory(t), 'out.mkv');
	const summary = await kvs.export(range, file);
	return { bytes: await readFile(file), summary, made };
}

const cleanExports = new Map<string, Promise<Exported>>();

/** The export of these fragments without faults, made once. */
function cleanExport(t: ExecutionContext, kept: readonly string[]): Promise<Exported> {
	const key = kept.join();
	const made = cleanExports.get(key) ?? exported(t, kept);
	cleanExports.set(key, made);
	return made;
}

/** What cannot be had, and what the summary says of it. */
type Lost = ReadonlyMap<string, { readonly code: number | null; readonly name?: string }>;
const nothing: Lost = new Map();

/** The export through these faults is the one without them, of all fragments but those that are lost. */
async function assertExport(
	t: ExecutionContext,
	faults: readonly FaultRule[],
	lost: Lost = nothing,
): Promise<void> {
	const said = JSON.stringify(faults);
	const left = numbers.filter((number) => !lost.has(number));
	const [clean, run] = await Promise.all([cleanExport(t, left), exported(t, numbers, faults)]);
	for (const [index, { fault }] of faults.entries())
		t.true(run.made.has(index), `${fault} ${index} was not made: ${said}`);
	const { fragments, delivered, failed, missing, failures } = run.summary;
	t.deepEqual(
		{ fragments, delivered, failures: failed + missing },
		{ fragments: FRAGMENTS, delivered: left.length, failures: lost.size },
		said,
	);
	t.deepEqual(
		failures.map(({ fragmentNumber: number, code }) => [number, code]),
		[...lost].map(([number, { code }]) => [number, code]),
		said,
	);
	for (const { fragmentNumber: number, name } of failures) {
		const expected = lost.get(number ?? '')?.name;
		if (expected !== undefined) t.is(name, expected, said);
	}
	t.true(run.bytes.equals(clean.bytes), `the file has other bytes: ${said}`);
}

const operations = ['GetDataEndpoint', 'ListFragments', 'GetMediaForFragmentList'] as const;

/** A rule for each operation, so that the first two requests of each meet the fault. */
const everywhere = (fault: object): FaultRule[] =>
	operations.map((operation) => ({ ...fault, operation, times: 2 }) as FaultRule);

for (const error of [
	'ClientLimitExceededException',
	'ConnectionLimitExceededException',
	'ThrottlingException',
] as const) {
	test(`throttled: ${error}`, (t) => assertExport(t, everywhere({ fault: 'throttle', error })));
}

for (const status of [500, 503] as const) {
	test(`server error ${status}`, (t) => assertExport(t, everywhere({ fault: 'server-error', status })));
}

test('connections that are reset', (t) => assertExport(t, everywhere({ fault: 'reset' })));

test('connections that are closed', (t) => assertExport(t, everywhere({ fault: 'hang-up' })));

test('connections that are refused', (t) => assertExport(t, [{ fault: 'dead-endpoint', times: 2 }]));

test('responses that do not begin, and responses that begin late', async (t) => {
	await assertExport(t, everywhere({ fault: 'no-response' }));
	await assertExport(t, everywhere({ fault: 'no-response', ms: 1 }));
});

/** Exports through these faults of media, each in one of the requests, as many at once as there are requests. */
async function assertEach(
	t: ExecutionContext,
	named: readonly string[],
	faults: readonly object[],
): Promise<void> {
	for (let at = 0; at < faults.length; at += named.length) {
		const some = faults.slice(at, at + named.length);
		await assertExport(
			t,
			some.map((fault, index) => ({ ...fault, fragmentNumber: named[index] }) as FaultRule),
		);
	}
}

const elements = ['EBML', 'Segment', 'Info', 'Tracks', 'Tags', 'Cluster', 'Block'] as const;

for (const as of ['abort', 'clean'] as const) {
	test(`bodies cut at a byte: ${as}`, async (t) => {
		const cuts = [0, 1, 100, 5000, 10_000_000].map((atByte) => ({ fault: 'cut', as, atByte, times: 1 }));
		await assertEach(t, lasts, cuts);
		await assertExport(t, [{ fault: 'cut', as, atFraction: 'random', times: 4 }]);
	});

	test(`bodies cut inside an element: ${as}`, (t) =>
		assertEach(
			t,
			thirds,
			elements.map((inside) => ({ fault: 'cut', as, inside, element: 2, times: 2 })),
		));

	test(`listings and data endpoints cut: ${as}`, async (t) => {
		for (const point of [{ atByte: 0 }, { atByte: 1 }, { atFraction: 0.5 }, { atFraction: 0.99 }]) {
			// An empty response that comes twice is believed: it says that nothing is stored. Of the five attempts of a listing,
			// those count too whose data endpoint was cut.
			const times = 'atByte' in point ? 1 : 2;
			const operation = ['ListFragments', 'GetDataEndpoint'] as const;
			await assertExport(
				t,
				operation.map((name) => ({ fault: 'cut', as, operation: name, ...point, times })),
			);
		}
	});
}

test('bodies that stall, for good and for a while', async (t) => {
	for (const ms of [undefined, 1]) {
		const rule = { fault: 'stall', times: 1, ...(ms !== undefined && { ms }) } as const;
		await assertEach(t, lasts, [
			{ ...rule, atByte: 0 },
			{ ...rule, atByte: 5000 },
		]);
		await assertEach(t, thirds, [
			{ ...rule, inside: 'Tags' },
			{ ...rule, inside: 'Block' },
		]);
	}
});

test('listings and data endpoints that stall', async (t) => {
	for (const point of [{ atByte: 0 }, { atFraction: 0.5 }]) {
		for (const ms of [undefined, 1]) {
			const rule = { fault: 'stall', ...point, times: 2, ...(ms !== undefined && { ms }) } as const;
			await assertExport(
				t,
				(['ListFragments', 'GetDataEndpoint'] as const).map((operation) => ({ ...rule, operation })),
			);
		}
	}
});

/** Not there, not to be read now, of the service: worth another try. Of permissions and keys: not. */
const passing = [3000, 3002, 4000, 4503, 5000];
const lasting = [4500, 4501, 4502, 4504, 4505, 4506, 4999];

for (const spelling of ['get-media', 'documented'] as const) {
	for (const goesOn of [false, true]) {
		const shape = { spelling, goesOn };
		const said = `in-band exceptions, ${spelling}${goesOn ? ', with more after them' : ''}`;

		test(`${said}: once`, (t) =>
			assertEach(
				t,
				thirds,
				[true, false].flatMap((isNumbered) =>
					passing.map((code) => ({ fault: 'exception', code, isNumbered, times: 2, ...shape })),
				),
			));

		test(`${said}: always`, async (t) => {
			const lost = new Map(
				[...passing, ...lasting].map((code, index) => [numbers[3 + 4 * index] as string, { code }]),
			);
			const faults = [...lost].map(
				([number, { code }]) => ({ fault: 'exception', code, fragmentNumber: number, ...shape }) as const,
			);
			await assertExport(t, faults, lost);
		});

		test(`${said}: for fragments that are listed and not yet available`, (t) =>
			assertExport(t, [{ fault: 'not-ready', requests: 2, share: 0.2, ...shape }]));
	}
}

test('fragments that come twice', async (t) => {
	for (const again of ['next', 'last'] as const) {
		await assertExport(t, [{ fault: 'duplicate', fragment: 4, again }]);
	}
});

test('responses in another order', (t) => assertExport(t, [{ fault: 'shuffle' }]));

test('fragments that do not come at first, and one that never comes', async (t) => {
	await assertExport(t, [{ fault: 'leave-out', fragment: 3, count: 4, times: 2 }]);
	await assertExport(
		t,
		[{ fault: 'leave-out', fragmentNumber: victim }],
		new Map([[victim, { code: null, name: 'MISSING' }]]),
	);
});

test('a fragment that always breaks off', (t) =>
	assertExport(
		t,
		[{ fault: 'cut', fragmentNumber: victim, inside: 'Tags', as: 'clean' }],
		new Map([[victim, { code: null }]]),
	));

test('pages without fragments and with a token', async (t) => {
	await assertExport(t, [{ fault: 'empty-page', times: 3 }]);
});

test('a listing that lags the media: the export is of what was listed, and says how much that is', async (t) => {
	const left = numbers.filter((number) => number !== victim);
	const clean = await cleanExport(t, left);
	const after = await exported(t, numbers, [
		{ fault: 'late-listing', fromListing: 2, fragmentNumber: victim },
	]);
	t.true(after.made.has(0));
	t.like(after.summary, { fragments: FRAGMENTS - 1, delivered: FRAGMENTS - 1, failures: [] });
	t.true(after.bytes.equals(clean.bytes));
});
