import type { Writable } from 'node:stream';
import {
	DatasetSink,
	ImageSink,
	InvalidOptionError,
	type OutputFolder,
	type PictureLayout,
} from '../../../index.js';
import { parseByteSize } from '../byte-size.js';
import { outputPlace } from '../output-place.js';
import type { FramesCommandOptions } from './frames-options.js';

/** Where pictures are written to. */
export interface PictureOutput {
	/** As `-o` names it. */
	readonly name: string;
	readonly folder: string | OutputFolder;
	readonly form: { readonly layout: PictureLayout; readonly shardSizeBytes: number | undefined };
	/** For pictures that are no export of a range. Takes `Picture`s. Fails with a `SinkError`: `KVS_EMPTY_RANGE` where none came. */
	readonly sink: () => Writable & { readonly count: number };
}

/** Where `-o` says that pictures go. Nothing is made before the first picture. Throws `InvalidOptionError`. */
export async function pictureOutputOf({
	output,
	layout = 'files',
	shardSize,
	...client
}: FramesCommandOptions): Promise<PictureOutput> {
	if (output === undefined)
		throw new InvalidOptionError('-o', 'given: the directory to write to, or - for stdout');
	const form = { layout, shardSizeBytes: shardSizeOf(shardSize, layout) };
	const folder = await outputPlace('-o', output, client);
	return {
		name: output,
		folder,
		form,
		sink: () => (layout === 'files' ? new ImageSink(folder) : new DatasetSink(folder, form)),
	};
}

function shardSizeOf(text: string | undefined, layout: PictureLayout): number | undefined {
	if (text === undefined) return undefined;
	if (layout !== 'webdataset')
		throw new InvalidOptionError('--shard-size', 'used with --layout webdataset', text);
	const sizeBytes = parseByteSize(text);
	if (sizeBytes === null) throw new InvalidOptionError('--shard-size', 'a size like 500MB', text);
	return sizeBytes;
}
