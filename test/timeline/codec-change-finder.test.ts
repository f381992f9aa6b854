import test, { type ExecutionContext } from 'ava';
import type { Fragment } from 'kvs-archive';
import { Track } from '#lib/model/track.js';
import { CodecChangeFinder, MAX_HEADERS_READ } from '#lib/timeline/codec-change-finder.js';
import { FragmentSampler } from '#lib/timeline/fragment-sampler.js';
import { StoredSpan } from '#lib/timeline/stored-span.js';
import { cadence } from './listed.js';

const track = (codec: string, name: string | null = null): Track =>
	new Track({
		number: 1,
		type: 'video',
		codecId: 'V_TEST',
		codec,
		name,
		codecPrivate: null,
		defaultDurationNs: null,
		entry: new Uint8Array(),
	});

const fragmentsOf = (count: number): Fragment[] => cadence(count, { stepMs: 1000, lengthMs: 960 });

function spanOf(fragments: readonly Fragment[]): StoredSpan {
	const span = new StoredSpan(fragments[0] as Fragment);
	for (const fragment of fragments.slice(1)) span.add(fragment);
	span.close(40);
	return span;
}

/** A survey of fragments whose codec `codecAt` names, null for one that cannot be had. */
function surveyOf(fragments: readonly Fragment[], codecAt: (index: number) => string | null) {
	const asked: number[] = [];
	let relisted = 0;
	const survey = new CodecChangeFinder({
		by: 'producer',
		async *list({ from, to }) {
			const inside = fragments.filter(
				({ producerTimestamp }) => producerTimestamp >= from && producerTimestamp <= to,
			);
			relisted += inside.length;
			for (let start = 0; start < inside.length; start += 100) yield inside.slice(start, start + 100);
		},
		async readTracks(fragment) {
			const index = fragments.indexOf(fragment);
			asked.push(index);
			const codec = codecAt(index);
			// A name that differs each time, as a producer's that restarts: no change of codec.
			return codec === null ? null : [track(codec, `start ${asked.length}`)];
		},
	});
	return { survey, asked, relisted: () => relisted };
}

async function changesOf(
	t: ExecutionContext,
	count: number,
	codecAt: (index: number) => string | null,
): Promise<{ found: unknown[]; asked: number; relisted: number }> {
	const fragments = fragmentsOf(count);
	const { survey, asked, relisted } = surveyOf(fragments, codecAt);
	const { changes } = await survey.survey(spanOf(fragments));
	t.is(survey.counts.headersRead, asked.length);
	const indexOf = (number: string): number =>
		fragments.findIndex(({ fragmentNumber }) => fragmentNumber === number);
	const found = changes.map(({ afterFragmentNumber, fragmentNumber, exact, before, tracks }) => [
		indexOf(afterFragmentNumber),
		indexOf(fragmentNumber),
		exact,
		before[0]?.codec,
		tracks[0]?.codec,
	]);
	return { found, asked: asked.length, relisted: relisted() };
}

test('two headers show that a span has one codec', async (t) => {
	t.deepEqual(await changesOf(t, 500, () => 'a'), { found: [], asked: 2, relisted: 0 });
	t.deepEqual(await changesOf(t, 1, () => 'a'), { found: [], asked: 1, relisted: 0 });
});

test('a change is found by halving, wherever it is', async (t) => {
	for (const place of [1, 2, 250, 498, 499]) {
		const { found, asked } = await changesOf(t, 500, (index) => (index < place ? 'a' : 'b'));
		t.deepEqual(found, [[place - 1, place, true, 'a', 'b']]);
		t.true(asked <= 2 + 9, `${asked} headers`);
	}
});

test('several changes are found where halving shows them', async (t) => {
	const { found } = await changesOf(t, 400, (index) => (index < 30 ? 'a' : index < 310 ? 'b' : 'c'));
	t.deepEqual(found, [
		[29, 30, true, 'a', 'b'],
		[309, 310, true, 'b', 'c'],
	]);
});

test('a span that is too long to be kept is listed again around the change', async (t) => {
	for (const place of [1, 7777, 19_999]) {
		const { found, asked, relisted } = await changesOf(t, 20_000, (index) => (index < place ? 'a' : 'b'));
		t.deepEqual(found, [[place - 1, place, true, 'a', 'b']]);
		t.true(asked <= 2 + 16, `${asked} headers`);
		t.true(relisted <= 33, `${relisted} fragments`);
	}
});

test('a missing header leaves the place of a change inexact', async (t) => {
	const { found } = await changesOf(t, 100, (index) => (index === 50 ? null : index < 20 ? 'a' : 'b'));
	t.deepEqual(found, [[0, 99, false, 'a', 'b']]);
});

test('a change between two spans is at the start of the second', async (t) => {
	const fragments = fragmentsOf(40);
	const { survey } = surveyOf(fragments, (index) => (index < 20 ? 'a' : 'b'));
	const first = await survey.survey(spanOf(fragments.slice(0, 20)));
	t.deepEqual(first.changes, []);
	const second = await survey.survey(spanOf(fragments.slice(20)));
	t.is(second.tracks?.[0]?.codec, 'b');
	t.is(second.changes.length, 1);
	t.like(second.changes[0], {
		fragmentNumber: fragments[20]?.fragmentNumber,
		afterFragmentNumber: fragments[19]?.fragmentNumber,
		exact: true,
	});
});

test('fragments that are missing are counted, and what lies before and after them compared', async (t) => {
	const fragments = fragmentsOf(6);
	const { survey } = surveyOf(fragments, (index) => (index < 2 ? 'a' : index < 4 ? null : 'b'));
	await survey.survey(spanOf(fragments.slice(0, 2)));
	t.deepEqual(await survey.survey(spanOf(fragments.slice(2, 4))), { tracks: null, changes: [] });
	const { changes } = await survey.survey(spanOf(fragments.slice(4)));
	t.like(changes[0], { afterFragmentNumber: fragments[1]?.fragmentNumber, exact: false });
	t.deepEqual(survey.counts, { headersRead: 6, headersFailed: 2, headersSkipped: 0 });
});

test('the number of headers read is limited, and skipped headers are counted', async (t) => {
	const fragments = fragmentsOf(MAX_HEADERS_READ + 7);
	const { survey, asked } = surveyOf(fragments, () => 'a');
	for (const fragment of fragments) await survey.survey(spanOf([fragment]));
	t.is(asked.length, MAX_HEADERS_READ);
	t.deepEqual(survey.counts, { headersRead: MAX_HEADERS_READ, headersFailed: 0, headersSkipped: 7 });
});

test('marks are evenly spread over a run of any length, and few', (t) => {
	const marks = new FragmentSampler(16);
	const fragments = fragmentsOf(1000);
	for (const [index, fragment] of fragments.entries()) {
		marks.add(fragment);
		t.true(marks.all.length <= 17);
		t.is(marks.all[0], fragments[0]);
		t.is(marks.all.at(-1), fragment);
		t.is(marks.isWhole, index < 16);
	}
	const places = marks.all.map((mark) => fragments.indexOf(mark));
	const steps = places.slice(1, -1).map((place, index) => place - (places[index] as number));
	t.is(new Set(steps).size, 1, steps.join(' '));
});
