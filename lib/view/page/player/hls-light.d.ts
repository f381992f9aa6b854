/** The build of hls.js without subtitles, encryption and alternate audio, none of which the page plays. It has no types of its own. */
declare module 'hls.js/light' {
	export * from 'hls.js';
	export { default } from 'hls.js';
}
