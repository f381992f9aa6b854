import { resolve } from 'node:path';
import { pathFrom, type SliceWork } from '../../../bullmq/index.js';
import type { Container } from '../../../index.js';
import { whereOf } from '../../archive-options.js';
import type { CommandContext } from '../../command-context.js';
import { parseTracks } from '../../track-list.js';
import { exportOptionsOf } from '../export.js';
import type { ExportCommandOptions } from '../export-command-options.js';
import type { FramesCommandOptions } from '../frames/frames-options.js';
import { pictureFormOf } from '../frames/picture-form.js';
import { pictureOutputOf } from '../frames/picture-output.js';
import { pictureSelectionOf } from '../frames/picture-selection.js';
import { handlerOptionsOf } from './handler-options.js';
import { type SliceCommandOptions, submitSlices } from './submit-slices.js';

/** `submit export`. */
export async function submitExport(
	options: SliceCommandOptions & ExportCommandOptions & { readonly container: Container },
	context: CommandContext,
): Promise<number> {
	const { signal: _, manifest: __, where: ___, ...given } = exportOptionsOf(options);
	const { tracks, gaps, split, channels, faststart } = given;
	return submitSlices(
		{
			kind: 'export',
			container: options.container,
			options: { tracks, gaps, split, channels, faststart, where: whereOf(options) },
		},
		options,
		context,
	);
}

/** `submit frames`. */
export async function submitFrames(
	options: SliceCommandOptions & FramesCommandOptions,
	context: CommandContext,
): Promise<number> {
	const { decoder: _, decoders: __, ...form } = pictureFormOf(options);
	const { form: layout } = await pictureOutputOf({ ...options, output: '.' });
	const select = pictureSelectionOf(options);
	const tracks = parseTracks(options.tracks);
	const where = whereOf(options);
	const frames = { ...form, ...layout, select, tracks, where };
	return submitSlices({ kind: 'frames', options: frames }, options, context);
}

/** `submit HANDLER.js`. */
export async function submitHandler(
	module: string,
	options: SliceCommandOptions & { readonly handlers: string; readonly options?: string },
	context: CommandContext,
): Promise<number> {
	const work: SliceWork = {
		kind: 'handler',
		module: pathFrom('module', resolve(options.handlers), resolve(module)),
		options: handlerOptionsOf(options.options),
	};
	return submitSlices(work, options, context);
}
