import type { Writable } from 'node:stream';
import { ImageSink, InvalidOptionError } from '../../../index.js';
import type { FramesCommandOptions } from './frames-options.js';

/** Where pictures are written to. */
export interface PictureOutput {
	/** As `-o` names it. */
	readonly name: string;
	/** Takes `Picture`s. Fails with a `SinkError`: `KVS_EMPTY_RANGE` where none came. */
	readonly sink: Writable & { readonly count: number };
}

/** Where `-o` says that pictures go. Nothing is made before the first picture. Throws `InvalidOptionError`. */
export function pictureOutputOf({ output }: FramesCommandOptions): PictureOutput {
	if (output === undefined)
		throw new InvalidOptionError('-o', 'given: the directory to write to, or - for stdout', output);
	return { name: output, sink: new ImageSink(output) };
}
