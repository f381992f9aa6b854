import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import type { MediaEvent } from '#lib/model/media-event.js';
import { sample } from '../helpers/samples.js';

test('reads every frame of a real capture, byte for byte', async (t) => {
	const path = sample(t, 'output_get_media.mkv');
	if (path === null) return;
	const hash = createHash('sha256');
	const events: MediaEvent[] = [];
	await pipeline(createReadStream(path), new MkvReader(), async (source: AsyncIterable<MediaEvent>) => {
		for await (const event of source) {
			if (event.type === 'frame') hash.update(event.data);
			events.push(event);
		}
	});
	t.is(events.filter(({ type }) => type === 'fragment').length, 5);
	t.is(events.filter(({ type }) => type === 'frame').length, 300);
	t.is(hash.digest('hex'), 'e9fbb6b8f8b697d1a2e961992408151af50b7f22893b7c7a3ad5089a25283472');
});
