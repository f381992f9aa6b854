import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type Frame, type MediaEvent, MkvReader } from 'kvs-archive';

/** The frames of a Matroska file, in its order. */
export async function matroskaFrames(file: string): Promise<Frame[]> {
	const frames: Frame[] = [];
	await pipeline(createReadStream(file), new MkvReader(), async (events: AsyncIterable<MediaEvent>) => {
		for await (const event of events) if (event.type === 'frame') frames.push(event);
	});
	return frames;
}
