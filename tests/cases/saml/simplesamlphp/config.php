<?php
// SimpleSAMLphp as the tests' identity provider. The harness says where it answers and where it keeps its files.
$folder = getenv('DAYPASS_IDP_FOLDER') . '/';
$config = [
    'baseurlpath' => getenv('DAYPASS_IDP_URL') . '/',
    'certdir' => $folder,
    'loggingdir' => $folder,
    'datadir' => $folder,
    'tempdir' => $folder . 'temp',
    'metadatadir' => __DIR__ . '/metadata/',
    'technicalcontact_email' => 'na@example.org',
    'secretsalt' => hash('sha256', $folder),
    'admin.checkforupdates' => false,
    'timezone' => 'UTC',
    'logging.level' => SimpleSAML\Logger::NOTICE,
    'logging.handler' => 'errorlog',
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => 'Lax',
    'session.phpsession.savepath' => $folder,
    'language.available' => ['en'],
    'language.default' => 'en',
    'language.cookie.secure' => false,
    'theme.use' => 'default',
    'store.type' => 'phpsession',
    'metadata.sources' => [['type' => 'flatfile']],
];
