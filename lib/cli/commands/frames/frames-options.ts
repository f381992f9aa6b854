import type { ArchiveCommandOptions, AroundCommandOptions } from '../../archive-options.js';

/** Options of `frames`. */
export interface FramesCommandOptions extends ArchiveCommandOptions, AroundCommandOptions {
	readonly output?: string;
	readonly keyframes?: boolean;
	readonly every?: string;
	readonly at?: readonly string[];
	readonly lookback?: string;
	readonly all?: boolean;
	readonly count?: string;
	readonly scene?: string;
	readonly tracks?: string;
	readonly where?: readonly string[];
	readonly size?: string;
	readonly fit?: string;
	readonly format: string;
	readonly layout?: string;
	readonly shardSize?: string;
	readonly times?: string;
	readonly decoders?: string;
	readonly ffmpeg?: string;
}
