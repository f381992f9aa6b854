import type { HlsSessionOptions } from '../../../index.js';
import type { CommandContext } from '../../command-context.js';
import { openSession, type SessionCommandOptions } from '../../open-session.js';

/** Options of `hls`. */
export interface HlsCommandOptions extends SessionCommandOptions {
	readonly container?: string;
	readonly discontinuity?: string;
}

/** Opens an HLS session and prints its URL. */
export function hls(options: HlsCommandOptions, context: CommandContext): Promise<number> {
	return openSession('hls-session', options, context, (archive, session) =>
		archive.hlsSession({
			...session,
			// The library checks the words.
			container: options.container as HlsSessionOptions['container'],
			discontinuity: options.discontinuity as HlsSessionOptions['discontinuity'],
		}),
	);
}
