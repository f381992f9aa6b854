import type { Command } from 'commander';
import { choiceOption } from '../../options/choice-option.js';
import { withRangeOptions } from '../../stream-options.js';

const MODES = ['on-demand', 'live', 'live-replay'];

/** Adds the description and the options of `hls`. */
export function withHlsOptions(command: Command): Command {
	return withSessionOptions(command.description('open a playback session and print its URL'), 'playlist')
		.addOption(
			choiceOption(
				'--container <container>',
				"container of the segments (the service's own default is fmp4)",
				['ts', 'fmp4'],
				{ shown: 'ts' },
			),
		)
		.addOption(
			choiceOption(
				'--discontinuity <mode>',
				'when to write EXT-X-DISCONTINUITY before a fragment: where it does not continue the one before, always, or never',
				['on-discontinuity', 'always', 'never'],
				{ shown: 'on-discontinuity' },
			),
		)
		.option('--fragment-timestamps', "each fragment's time in the playlist");
}

/** Adds the description and the options of `dash`. */
export function withDashOptions(command: Command): Command {
	return withSessionOptions(command.description('open a DASH session and print its URL'), 'manifest')
		.option('--fragment-timestamps', "each fragment's time in the manifest (kvs:ts)")
		.option('--fragment-numbers', "each fragment's number in the manifest (kvs:fn)");
}

function withSessionOptions(command: Command, document: 'playlist' | 'manifest'): Command {
	return withRangeOptions(command)
		.addOption(
			choiceOption('--mode <mode>', 'what is played', MODES, {
				shown: 'on-demand with --from, else live',
			}),
		)
		.option('--expires <time>', 'how long the session lasts, 300s to 12h (default: 300s)')
		.option('--max-fragments <n>', `fragments in a ${document}, 1 to 5000 (default: the service's)`);
}
