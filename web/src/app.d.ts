/** Version of the web client, from package.json, set by the bundler. */
declare const __APP_VERSION__: string;
