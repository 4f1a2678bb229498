<?php
// The relying party three times: each with a place of the signature and a name identifier format of its own. `uid`
// becomes the name identifier and is not sent as an attribute.
$aws = 'https://aws.amazon.com/SAML/Attributes/';
$names = ['Role', 'RoleSessionName', 'SessionDuration', 'SourceIdentity', 'PrincipalTag:team', 'PrincipalTag:stage',
    'TransitiveTagKeys'];
$sent = array_map(function ($name) use ($aws) { return $aws . $name; }, $names);
$variants = [
    'urn:amazon:webservices' => [false, true, 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'],
    'urn:corp:response-signed' => [true, false, 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified'],
    'urn:corp:both-signed' => [true, true, 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'],
];
foreach ($variants as $name => list($response, $assertion, $format)) {
    $metadata[$name] = [
        'AssertionConsumerService' => explode(' ', getenv('DAYPASS_IDP_ACS')),
        'saml20.sign.response' => $response,
        'saml20.sign.assertion' => $assertion,
        'NameIDFormat' => $format,
        'audience' => array_diff(['urn:amazon:webservices'], [$name]),
        'authproc' => [
            10 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => $format],
            20 => ['class' => 'core:AttributeLimit'] + $sent,
        ],
    ];
}
