import { ID } from '#lib/ebml/ebml-schema.js';
import type { MatroskaHandler } from '#lib/mkv/parser/matroska-handler.js';
import { MatroskaParser } from '#lib/mkv/parser/matroska-parser.js';
import { readTags } from '#lib/mkv/tags.js';
import { everything, type Json, type StartedServer } from '../../helpers/service/start-server.js';

/** A frame of a payload, and which of its chunks it is in. */
export interface ReadFrame {
	readonly chunk: number;
	readonly track: number;
	readonly timeMs: number;
	readonly keyframe: boolean;
	readonly durationTicks: number;
	readonly flags: number;
	readonly data: Buffer;
}

/** Reads the frames of a payload; their times are the chunk's PRODUCER_TIMESTAMP and the block's own. */
export function readFrames(payload: Buffer, scaleNs = 1_000_000): ReadFrame[] {
	const frames: ReadFrame[] = [];
	let chunk = -1;
	let producerMs = 0;
	const handler: MatroskaHandler = {
		documentStart: () => {
			chunk++;
			producerMs = 0;
		},
		documentEnd: () => {},
		clusterStart: () => {},
		header: (id, body) => {
			if (id !== ID.Tags) return;
			for (const { name, value } of readTags(body, 'before')) {
				if (name === 'AWS_KINESISVIDEO_PRODUCER_TIMESTAMP') producerMs = Number(value) * 1000;
			}
		},
		block: (track, relative, flags, bytes, start, end, durationTicks) => {
			const timeMs = producerMs + (relative * scaleNs) / 1e6;
			frames.push({
				chunk,
				track,
				timeMs,
				keyframe: (flags & 0x80) !== 0,
				durationTicks,
				flags: flags & 0x0f,
				data: Buffer.from(bytes.subarray(start, end)),
			});
		},
	};
	const parser = new MatroskaParser(handler);
	parser.write(payload);
	const error = parser.end();
	if (error !== null) throw error;
	return frames;
}

/** What ListFragments says of a stream, by fragment number. */
export async function listAll({ call }: StartedServer, stream: string): Promise<Json[]> {
	const { json } = await call('ListFragments', {
		StreamName: stream,
		FragmentSelector: everything,
		MaxResults: 1000,
	});
	return json.Fragments.toSorted((a: Json, b: Json) => (a.FragmentNumber < b.FragmentNumber ? -1 : 1));
}

/** The payload of fragments, as GetMediaForFragmentList sends it. */
export async function mediaOf({ url }: StartedServer, stream: string, fragments: Json[]): Promise<Buffer> {
	const body = JSON.stringify({
		StreamName: stream,
		Fragments: fragments.map(({ FragmentNumber }) => FragmentNumber),
	});
	const response = await fetch(`${url}/getMediaForFragmentList`, { method: 'POST', body });
	return Buffer.from(await response.arrayBuffer());
}
