import type { KvsArchive, PlaybackSession, SessionOptions } from '../index.js';
import { type ArchiveCommandOptions, archiveOf } from './archive-options.js';
import type { CommandContext } from './command-context.js';
import { EXIT } from './exit.js';
import { integerOption } from './integer-option.js';
import { parsePointInTime } from './point-in-time.js';
import { secondsOption } from './seconds-option.js';

/** Options of the commands that open playback sessions. */
export interface SessionCommandOptions extends ArchiveCommandOptions {
	readonly mode?: SessionOptions['mode'];
	readonly fragmentTimestamps?: true;
	readonly expires?: string;
	readonly maxFragments?: string;
}

/** Opens a playback session and prints its URL; `type` names it in JSON. */
export async function openSession(
	type: 'hls-session' | 'dash-session',
	options: SessionCommandOptions,
	{ terminal, signal, nowMs }: CommandContext,
	open: (
		archive: KvsArchive,
		options: SessionOptions & { readonly signal: AbortSignal },
	) => Promise<PlaybackSession<SessionOptions>>,
): Promise<number> {
	const { mode = options.from === undefined ? 'live' : 'on-demand' } = options;
	const time = (option: string, text: string | undefined): Date | undefined =>
		text === undefined ? undefined : parsePointInTime(option, text, nowMs);
	// A replay without an end goes on; a range on demand ends now, as with the other commands.
	const to = options.to ?? (mode === 'on-demand' ? 'now' : undefined);
	await using archive = archiveOf(options, { terminal });
	const session = await open(archive, {
		mode,
		from: time('--from', options.from),
		to: time('--to', to),
		by: options.by,
		fragmentTimestamps: options.fragmentTimestamps,
		expiresIn: secondsOption('--expires', options.expires),
		maxFragments: integerOption('--max-fragments', options.maxFragments),
		signal,
	});
	if (options.json) await terminal.writeJson([{ type, ...toLine(session) }]);
	else {
		await terminal.write([session.url]);
		terminal.say(`plays until ${session.expiresAt.toISOString()}, for anyone who has the URL`);
	}
	return EXIT.done;
}

function toLine({ url, expiresAt, options }: PlaybackSession<SessionOptions>): object {
	const { mode, from = null, to = null, by } = options;
	return { url, expiresAt, mode, from, to, by };
}
