import type { CommandContext } from '../../command-context.js';
import { openSession, type SessionCommandOptions } from '../../open-session.js';

/** Options of `dash`. */
export interface DashCommandOptions extends SessionCommandOptions {
	readonly fragmentNumbers?: true;
}

/** Opens a DASH session and prints its URL. */
export function dash(options: DashCommandOptions, context: CommandContext): Promise<number> {
	const { fragmentNumbers } = options;
	return openSession('dash-session', options, context, (archive, session) =>
		archive.dashSession({ ...session, fragmentNumbers }),
	);
}
