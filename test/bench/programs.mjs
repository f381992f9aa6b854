/*
 * Every program takes a source of chunks and gives what it saw: frames, their bytes, and tags (null where the
 * program cannot tell). None looks at the payload.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DemuxContext } from '#lib/demux/demux-context.js';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { PayloadReader } from '#lib/demux/payload-reader.js';

/** Chunks of a buffer as a stream. */
export class MemorySource extends Readable {
	#bytes;
	#position = 0;

	constructor(bytes, chunkBytes) {
		super({ highWaterMark: chunkBytes });
		this.#bytes = bytes;
	}

	_read(size) {
		const start = this.#position;
		this.#position = Math.min(this.#bytes.byteLength, start + size);
		this.push(start === this.#position ? null : this.#bytes.subarray(start, this.#position));
	}
}

function counter() {
	const seen = { frames: 0, bytes: 0, tags: 0 };
	return {
		seen,
		take: (event) => {
			if (event.type === 'frame') {
				seen.frames++;
				seen.bytes += event.data.byteLength;
			} else if (event.type === 'fragment-end') {
				seen.tags += event.tags.length;
			} else if (event.type === 'fragment-failure') {
				throw new Error(event.message);
			}
		},
	};
}

function readWith(reader, source, onData) {
	reader.on('data', onData);
	return pipeline(source, reader);
}

/** What is compared. `discard` is the floor: the chunks are taken and thrown away. */
export const programs = {
	async discard(source) {
		source.resume();
		await new Promise((resolve, reject) => source.on('end', resolve).on('error', reject));
		return null;
	},

	async 'MkvReader, event'(source) {
		const { seen, take } = counter();
		await readWith(new MkvReader(), source, take);
		return seen;
	},

	async 'MkvReader, batch'(source) {
		const { seen, take } = counter();
		await readWith(new MkvReader({ deliver: 'batch' }), source, (events) => {
			for (const event of events) take(event);
		});
		return seen;
	},

	async 'MkvReader, event, copy'(source) {
		const { seen, take } = counter();
		await readWith(new MkvReader({ copy: true }), source, take);
		return seen;
	},

	async 'core, callback'(source) {
		const { seen, take } = counter();
		const reader = new PayloadReader(new DemuxContext());
		const takeAll = (batches) => {
			for (const events of batches) for (const event of events) take(event);
		};
		await new Promise((resolve, reject) => {
			source.on('data', (chunk) => takeAll(reader.write(chunk)));
			source.on('end', resolve).on('error', reject);
		});
		takeAll(reader.end());
		return seen;
	},

	async 'for await'(source) {
		const { seen, take } = counter();
		const reader = new MkvReader();
		const done = pipeline(source, reader);
		for await (const event of reader) take(event);
		await done;
		return seen;
	},

	async 'for await, batches()'(source) {
		const { seen, take } = counter();
		const reader = new MkvReader();
		const done = pipeline(source, reader);
		for await (const events of reader.batches()) for (const event of events) take(event);
		await done;
		return seen;
	},

	async 'ts-ebml'(source) {
		const { default: tsEbml } = await import('ts-ebml');
		const decoder = new tsEbml.Decoder();
		const seen = { frames: 0, bytes: 0, tags: 0 };
		await new Promise((resolve, reject) => {
			source.on('data', (chunk) => {
				for (const element of decoder.decode(chunk)) {
					if (element.name === 'SimpleBlock') {
						seen.frames++;
						seen.bytes += element.data.byteLength - BLOCK_HEADER_BYTES;
					} else if (element.name === 'TagName') {
						seen.tags++;
					}
				}
			});
			source.on('end', resolve).on('error', reject);
		});
		return seen;
	},

	async 'ebml-stream'(source) {
		const { default: ebmlStream } = await import('ebml-stream');
		const { EbmlStreamDecoder, EbmlTagId } = ebmlStream;
		const seen = { frames: 0, bytes: 0, tags: 0 };
		await readWith(new EbmlStreamDecoder(), source, (tag) => {
			if (tag.id === EbmlTagId.SimpleBlock) {
				seen.frames++;
				seen.bytes += tag.payload.byteLength;
			} else if (tag.id === EbmlTagId.TagName) {
				seen.tags++;
			}
		});
		return seen;
	},

	async mediabunny(source) {
		const { ALL_FORMATS, EncodedPacketSink, Input, ReadableStreamSource } = await import('mediabunny');
		const input = new Input({
			formats: ALL_FORMATS,
			source: new ReadableStreamSource(Readable.toWeb(source)),
		});
		const seen = { frames: 0, bytes: 0, tags: null };
		const readTrack = async (track) => {
			for await (const packet of new EncodedPacketSink(track).packets()) {
				seen.frames++;
				seen.bytes += packet.data.byteLength;
			}
		};
		await Promise.all((await input.getTracks()).map(readTrack));
		return seen;
	},
};

/** Track number, relative time and flags, which `ts-ebml` leaves before the payload. */
const BLOCK_HEADER_BYTES = 4;

/** Throws where a program did not see what is there. */
export function check(name, seen, truth) {
	if (seen === null) return;
	for (const key of ['frames', 'bytes', 'tags']) {
		if (seen[key] !== null && seen[key] !== truth[key]) {
			throw new Error(`${name} saw ${seen[key]} ${key} of ${truth[key]}`);
		}
	}
}
