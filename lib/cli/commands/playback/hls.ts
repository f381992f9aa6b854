import type { HlsSessionOptions } from '../../../index.js';
import type { CommandContext } from '../../command-context.js';
import { openSession, type SessionCommandOptions } from '../../open-session.js';

/** Options of `hls`. */
export interface HlsCommandOptions extends SessionCommandOptions {
	readonly container?: HlsSessionOptions['container'];
	readonly discontinuity?: HlsSessionOptions['discontinuity'];
}

/** Opens an HLS session and prints its URL. */
export function hls(options: HlsCommandOptions, context: CommandContext): Promise<number> {
	return openSession('hls-session', options, context, (archive, session) =>
		archive.hlsSession({
			...session,
			container: options.container,
			discontinuity: options.discontinuity,
		}),
	);
}
