import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { checkWhere, type Where } from '#lib/frames/where.js';
import { WhereFilter } from '#lib/frames/where-filter.js';
import { failureAt } from '#lib/model/fragment-indexer.js';
import {
	FragmentEndEvent,
	FragmentFailureEvent,
	type MediaEvent,
	type RunEvent,
} from '#lib/model/media-event.js';
import {
	type FragmentFixture,
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	tags,
} from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';

/** Fragment 1, 2 … of 2 s each, 2 s apart, two frames in each; of a call, where it has one. */
function fragment(index: number, call?: string, fields: Partial<FragmentFixture> = {}): FragmentFixture {
	return {
		number: fragmentNumber(index),
		producerMs: startMs + (index - 1) * 2000,
		blocks: [frameBlock(0, { keyframe: true, relativeTicks: 0 }), frameBlock(1, { relativeTicks: 1000 })],
		...(call === undefined ? {} : { after: tags(['Call', call]) }),
		...fields,
	};
}

async function eventsOf(fragments: readonly FragmentFixture[]): Promise<MediaEvent[]> {
	const payload = Buffer.concat(fragments.map(fragmentDocument));
	return (await Readable.from([payload]).compose(new MkvReader()).toArray()) as MediaEvent[];
}

/** What comes out, where events come in arrays of `batch`. */
async function filter(
	events: readonly MediaEvent[],
	where: Where,
	{ batch = 3, maxBytes = 1000 }: { batch?: number; maxBytes?: number } = {},
): Promise<RunEvent[]> {
	const batches: MediaEvent[][] = [];
	for (let start = 0; start < events.length; start += batch) batches.push(events.slice(start, start + batch));
	const out: RunEvent[][] = [];
	await pipeline(Readable.from(batches), new WhereFilter(where, { maxBytes }), async (given) => {
		for await (const part of given as AsyncIterable<RunEvent[]>) out.push(part);
	});
	return out.flat();
}

/** What came, in short: `skip 2`, `gap`, `2[0]..`, with the number and the index. */
function shortOf(events: readonly RunEvent[]): string {
	const numberOf = (text: string | null): number => Number(BigInt(text ?? 0) % 10n ** 28n);
	return events
		.map((event) => {
			switch (event.type) {
				case 'gap':
					return ` ${event.kind} ${event.from.getTime() - startMs}-${event.to.getTime() - startMs} `;
				case 'fragment':
					return ` ${numberOf(event.fragmentNumber)}[${event.index}]`;
				case 'frame':
					return '.';
				case 'fragment-end':
					return event.complete ? '' : '!';
				case 'fragment-failure':
					return event.index === null ? ` failed ${numberOf(event.fragmentNumber)} ` : 'x';
				default:
					return ` skip ${numberOf(event.fragmentNumber)} `;
			}
		})
		.join('')
		.replaceAll(/ +/g, ' ')
		.trim();
}

/** The events of a fragment as they are when its media breaks off before its last tags. */
function cutShort(events: readonly MediaEvent[]): MediaEvent[] {
	return events.flatMap((event): MediaEvent[] => {
		if (event.type !== 'fragment-end') return [event];
		const { fragment, frames, bytes } = event;
		const fields = {
			code: null,
			name: 'TRUNCATED',
			message: 'cut',
			offset: null,
			retryable: true,
			error: null,
		};
		return [
			new FragmentFailureEvent({ index: event.index, fragmentNumber: event.fragmentNumber, ...fields }),
			new FragmentEndEvent(fragment, { frames, bytes, tags: fragment.tags, complete: false }),
		];
	});
}

test('gives the fragments that carry the tag, wherever it stands, with all of their tags', async (t) => {
	const events = await eventsOf([
		fragment(1, undefined, { before: tags(['Call', 'a']) }),
		fragment(2, 'b'),
		fragment(3, 'a'),
		fragment(4),
	]);
	const out = await filter(events, { Call: 'a' });
	t.is(shortOf(out), '1[0].. skip 2 3[1].. skip 4');
	for (const event of out) {
		if (event.type === 'fragment') t.is(event.tag('Call'), 'a');
		if (event.type === 'frame') t.is(event.fragment.tag('Call'), 'a');
		if (event.type === 'fragment-end') t.is(event.fragment.tag('Call'), 'a');
	}
	const [skipped] = out.filter(({ type }) => type === 'fragment-skipped');
	t.like(skipped, { fragmentNumber: fragmentNumber(2), endMs: startMs + 4000 });
});

test('every tag must hold, one of several of a name is enough, and a function sees the whole event', async (t) => {
	const events = await eventsOf([
		fragment(1, 'a', { before: tags(['Side', 'left']) }),
		fragment(2, 'a', { before: tags(['Side', 'right'], ['Side', 'left']) }),
		fragment(3, 'a', { before: tags(['Side', 'right']) }),
		fragment(4, 'b', { before: tags(['Side', 'left']) }),
	]);
	t.is(shortOf(await filter(events, { Call: 'a', Side: 'left' })), '1[0].. 2[1].. skip 3 skip 4');
	t.is(shortOf(await filter(events, {})), '1[0].. 2[1].. 3[2].. 4[3]..');
	const seen: (string | Uint8Array | null)[] = [];
	const out = await filter(events, (event) => {
		seen.push(event.tag('Call'));
		return (event.producerTimestamp?.getTime() ?? 0) > startMs;
	});
	t.is(shortOf(out), 'skip 1 2[0].. 3[1].. 4[2]..');
	t.deepEqual(seen, ['a', 'a', 'a', 'b']);
});

test('refuses an invalid filter, and a function that returns anything but true or false', async (t) => {
	for (const where of [null, 'Call', ['Call'], { Call: 1 }, { '': 'a' }] as unknown as Where[]) {
		t.throws(() => checkWhere({ where }), { code: 'KVS_INVALID_OPTION', message: /`where/ });
	}
	t.throws(() => checkWhere({ where: {}, duplicates: 'keep-newest' }), {
		message: 'expected `duplicates` to be `keep-all` with `where`, got `keep-newest`',
	});
	const promising = (async () => true) as unknown as Where;
	await t.throwsAsync(filter(await eventsOf([fragment(1, 'a')]), promising), {
		message: 'expected `where` to be a function that returns true or false, got an object',
	});
	const reason = new Error('no');
	const throwing = (): never => {
		throw reason;
	};
	await t.throwsAsync(filter(await eventsOf([fragment(1, 'a')]), throwing), { is: reason });
});

test('the time of fragments left out is no gap, and a gap among matching fragments is', async (t) => {
	const at = (index: number, call: string, seconds: number): FragmentFixture =>
		fragment(index, call, { producerMs: startMs + seconds * 1000 });
	const gapsOf = async (...fragments: FragmentFixture[]): Promise<string> =>
		shortOf(await filter(await eventsOf(fragments), { Call: 'a' }));
	t.is(await gapsOf(at(1, 'a', 0), at(2, 'b', 2), at(3, 'a', 4)), '1[0].. skip 2 3[1]..');
	// Calls at the same time, and one of them has a gap that the other fills.
	t.is(
		await gapsOf(
			at(1, 'a', 0),
			at(2, 'b', 0.5),
			at(3, 'a', 2),
			at(4, 'b', 2.5),
			at(5, 'b', 4.5),
			at(6, 'a', 6),
		),
		'1[0].. skip 2 3[1].. skip 4 skip 5 6[2]..',
	);
	// What fills it comes in another order, and in two parts.
	t.is(
		await gapsOf(at(1, 'a', 0), at(2, 'b', 4), at(3, 'b', 2), at(4, 'a', 6)),
		'1[0].. skip 2 skip 3 4[1]..',
	);
	t.is(await gapsOf(at(1, 'a', 0), at(2, 'b', 2), at(3, 'a', 9)), '1[0].. skip 2 gap 2000-9000 3[1]..');
	t.is(await gapsOf(at(1, 'b', 0), at(2, 'a', 5), at(3, 'b', 9)), 'skip 1 2[0].. skip 3');
	t.is(
		await gapsOf(at(1, 'a', 9), at(2, 'b', 2), at(3, 'a', 4)),
		'1[0].. skip 2 regression 9000-4000 3[1]..',
	);
});

test('a failed fragment is never left out, unless its tags do not match', async (t) => {
	const cut = async (fields: Partial<FragmentFixture>): Promise<MediaEvent[]> =>
		cutShort(await eventsOf([fragment(1, undefined, fields)]));
	t.is(shortOf(await filter(await cut({ before: tags(['Call', 'a']) }), { Call: 'a' })), '1[0]..x!');
	t.is(shortOf(await filter(await cut({ before: tags(['Call', 'b']) }), { Call: 'a' })), 'skip 1');
	t.is(shortOf(await filter(await cut({}), { Call: 'a' })), 'failed 1');
	t.is(shortOf(await filter(await cut({}), () => false)), 'failed 1');
	const [failure] = await filter(await cut({}), { Call: 'a' });
	const missing = failureAt(failure as FragmentFailureEvent, null);
	t.deepEqual(await filter([missing], { Call: 'a' }), [missing]);
});

test('a fragment that is too large to be held is a failure, and the next one is judged again', async (t) => {
	const large = frameBlock(1, { relativeTicks: 1000 });
	const events = await eventsOf([
		fragment(1, 'a'),
		fragment(2, 'a', { blocks: Array.from({ length: 5 }, () => large) }),
		fragment(3, 'a'),
	]);
	const out = await filter(events, { Call: 'a' }, { maxBytes: 49 });
	t.is(shortOf(out), '1[0].. failed 2 gap 2000-4000 3[1]..');
	const failure = out.find((event) => event.type === 'fragment-failure');
	t.like(failure, { index: null, name: 'UNSUPPORTED', retryable: false });
	t.regex(
		failure?.message ?? '',
		/^fragment \d+ is larger than the 49 bytes that are buffered until all of its tags are known; read without the option `where` to get it$/,
	);
});

test('nothing is read ahead of the reader but one fragment, and leaving or aborting closes what feeds it', async (t) => {
	const events = await eventsOf(Array.from({ length: 40 }, (_, index) => fragment(index + 1, 'a')));
	let asked = 0;
	let isClosed = false;
	const source = async function* (): AsyncGenerator<MediaEvent[]> {
		try {
			for (const event of events) {
				asked++;
				yield [event];
			}
		} finally {
			isClosed = true;
		}
	};
	const stages = new WhereFilter({ Call: 'a' });
	const done = pipeline(Readable.from(source(), { highWaterMark: 1 }), stages);
	done.catch(() => {});
	for await (const batch of stages as AsyncIterable<RunEvent[]>) {
		t.is(batch.length, 4);
		t.true(asked <= 24, String(asked));
		break;
	}
	await t.throwsAsync(done, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
	t.true(isClosed);
	const controller = new AbortController();
	const aborted = new WhereFilter({ Call: 'a' });
	const run = pipeline(
		Readable.from(events.map((event) => [event])),
		aborted,
		async () => controller.abort(),
		{
			signal: controller.signal,
		},
	);
	await t.throwsAsync(run, { name: 'AbortError' });
	t.true(aborted.destroyed);
	t.deepEqual(await filter([], { Call: 'a' }), []);
});

const callOf = fc.constantFrom('a', 'b', null);
const anyFragment = fc.record({
	call: callOf,
	isBefore: fc.boolean(),
	isCut: fc.boolean(),
	frames: fc.integer({ min: 0, max: 4 }),
});

testProp(
	'matching fragments come once, whole and in order, however calls are interleaved and chunks are cut',
	[fc.array(anyFragment, { maxLength: 12 }), fc.integer({ min: 1, max: 9 })],
	async (t, models, batch) => {
		const events: MediaEvent[] = [];
		const expected: string[] = [];
		let index = 0;
		for (const [place, { call, isBefore, isCut, frames }] of models.entries()) {
			const number = place + 1;
			const blocks = Array.from({ length: frames }, (_, at) => frameBlock(at, { keyframe: at === 0 }));
			const where = call === null ? {} : { [isBefore ? 'before' : 'after']: tags(['Call', call]) };
			const whole = await eventsOf([fragment(number, undefined, { blocks, ...where })]);
			events.push(...(isCut ? cutShort(whole) : whole));
			const isKnown = call !== null && (isBefore || !isCut);
			if (isKnown && call === 'a') {
				expected.push(`${number}[${index}]${'.'.repeat(frames)}${isCut ? 'x!' : ''}`);
				index++;
			} else {
				expected.push(isCut && !isKnown ? `failed ${number}` : `skip ${number}`);
			}
		}
		const out = await filter(events, { Call: 'a' }, { batch });
		t.is(shortOf(out.filter(({ type }) => type !== 'gap')), expected.join(' '));
	},
);
