import type { Option } from 'commander';
import { choiceOption } from './choice-option.js';

/** `--gaps`. */
export function gapsOption(description: string): Option {
	return choiceOption('--gaps <policy>', description, ['keep', 'close', 'fill'], { shown: 'keep' });
}

/** `--channels`. */
export function channelsOption(description: string): Option {
	return choiceOption('--channels <how>', description, ['stereo', 'split']);
}

/** `--container` of files that are written. */
export function containerOption(description: string, byDefault: string | { readonly shown: string }): Option {
	const containers = ['mp4', 'mkv', 'webm', 'mov', 'm4a', 'wav'];
	return choiceOption('--container <name>', description, containers, byDefault);
}
