import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { inspect } from 'node:util';
import test from 'ava';
import type { MediaEvent } from 'kvs-archive';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { fragmentDocument, fragmentNumber } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';

async function eventsOf(document: Buffer): Promise<MediaEvent[]> {
	const events: MediaEvent[] = [];
	await pipeline(Readable.from([document]), new MkvReader(), async (source: AsyncIterable<MediaEvent>) => {
		for await (const event of source) events.push(event);
	});
	return events;
}

test('inspecting an event shows its getters too, and of a frame the size of its data', async (t) => {
	const events = await eventsOf(fragmentDocument({ number: fragmentNumber(1), producerMs: startMs }));
	const [fragment, frame, end] = events.map((event) => inspect(event));
	t.regex(fragment as string, /^FragmentEvent \{.*fragmentNumber: '9134/s);
	t.regex(
		frame as string,
		/^Frame \{.*track: '1 video V_TEST'.*data: '10 bytes'.*timestamp: 2026-01-31T00:00:00.000Z/s,
	);
	t.regex(
		end as string,
		/^FragmentEndEvent \{.*complete: true.*producerTimestamp: 2026-01-31T00:00:00.000Z/s,
	);
});

test('a fragment-end event has the times of its fragment, and its JSON the documented fields', async (t) => {
	const events = await eventsOf(fragmentDocument({ number: fragmentNumber(1), producerMs: startMs }));
	const end = events.at(-1);
	if (end?.type !== 'fragment-end') throw new Error('expected a fragment-end');
	t.is(end.producerTimestamp?.getTime(), startMs);
	t.is(end.serverTimestamp?.getTime(), startMs + 1000);
	t.true(end.fragment === events[0]);
	t.deepEqual(Object.keys(JSON.parse(JSON.stringify(end))), [
		'type',
		'index',
		'fragmentNumber',
		'frames',
		'bytes',
		'tags',
		'complete',
	]);
});

test('a tag is found by its name', async (t) => {
	const events = await eventsOf(fragmentDocument({ number: fragmentNumber(7), producerMs: startMs }));
	for (const event of events) {
		if (event.type !== 'fragment' && event.type !== 'fragment-end') continue;
		t.is(event.tag('AWS_KINESISVIDEO_FRAGMENT_NUMBER'), fragmentNumber(7));
		t.is(event.tag('ContactId'), null);
	}
});
